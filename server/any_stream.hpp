// The byte stream of one client, TCP or TLS over TCP, as one type: HTTP and websocket code
// is compiled once. An AsyncStream in Beast's sense. For the network's thread.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "server/stream_handler.hpp"

namespace rtenv::server {

/// The first few buffers of a sequence: a write may take less than it was given.
class WriteBuffers {
 public:
  template <class Sequence>
  explicit WriteBuffers(const Sequence& sequence) {
    const auto end = boost::asio::buffer_sequence_end(sequence);
    for (auto next = boost::asio::buffer_sequence_begin(sequence); next != end; ++next) {
      const boost::asio::const_buffer buffer(*next);
      if (buffer.size() == 0) continue;
      buffers_[count_++] = buffer;
      if (count_ == buffers_.size()) break;
    }
  }
  [[nodiscard]] const boost::asio::const_buffer* begin() const { return buffers_.data(); }
  [[nodiscard]] const boost::asio::const_buffer* end() const { return buffers_.data() + count_; }

 private:
  std::array<boost::asio::const_buffer, 8> buffers_;
  std::size_t count_ = 0;
};

class AnyStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using ErrorCode = boost::system::error_code;
  using Parts = std::array<boost::asio::const_buffer, 3>;

  AnyStream() = default;
  AnyStream(const AnyStream&) = delete;
  AnyStream& operator=(const AnyStream&) = delete;
  virtual ~AnyStream() = default;

  /// The TLS handshake; nothing for plain TCP.
  virtual boost::asio::awaitable<ErrorCode> handshake() = 0;
  /// Ends the connection in order: a client that is still sending can read the response first.
  virtual boost::asio::awaitable<void> close() = 0;
  /// Drops the connection at once.
  virtual void abort() = 0;
  /// Reads and writes fail with a timeout from then on.
  virtual void expires_after(std::chrono::seconds time) = 0;
  virtual void expires_never() = 0;

  /// At least one byte, unless there is an error.
  boost::asio::awaitable<ErrorCode> read_some(boost::asio::mutable_buffer buffer,
                                              std::size_t& count);
  /// All of the parts.
  boost::asio::awaitable<ErrorCode> write(Parts parts);

  [[nodiscard]] virtual executor_type get_executor() = 0;
  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& buffers, Token&& token) {
    boost::asio::mutable_buffer first;
    const auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto next = boost::asio::buffer_sequence_begin(buffers); next != end && first.size() == 0;
         ++next)
      first = *next;
    return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
        [this, first](auto&& handler) {
          start_read(first,
                     StreamHandler(std::forward<decltype(handler)>(handler), get_executor()));
        },
        token);
  }
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& buffers, Token&& token) {
    return boost::asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
        [this, first = WriteBuffers(buffers)](auto&& handler) {
          start_write(first,
                      StreamHandler(std::forward<decltype(handler)>(handler), get_executor()));
        },
        token);
  }

 private:
  virtual void start_read(boost::asio::mutable_buffer buffer, StreamHandler handler) = 0;
  virtual void start_write(const WriteBuffers& buffers, StreamHandler handler) = 0;
};

/// `tls`: null for plain TCP.
std::unique_ptr<AnyStream> make_stream(boost::asio::ip::tcp::socket socket,
                                       const std::shared_ptr<boost::asio::ssl::context>& tls);

/// Beast calls these when a websocket ends. The teardown does nothing: the stream's owner closes
/// it.
template <class Handler>
void async_teardown(boost::beast::role_type /*role*/, AnyStream& stream, Handler&& handler) {
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler),
                                                     boost::system::error_code()));
}
inline void beast_close_socket(AnyStream& stream) { stream.abort(); }

}  // namespace rtenv::server
