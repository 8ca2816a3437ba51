#include "server/any_stream.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <string>

namespace rtenv::server {

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace {

constexpr auto k_closing_time = std::chrono::seconds(5);
constexpr std::size_t k_discarded_at_once = 64 << 10;
constexpr std::uint64_t k_max_discarded_bytes = 256 << 20;
const auto k_result = asio::as_tuple(asio::use_awaitable);

// A connection that is closed while input is unread is reset, and the client loses the response.
asio::awaitable<void> discard_input(beast::tcp_stream& stream) {
  AnyStream::ErrorCode ignored;
  stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::string discarded(k_discarded_at_once, '\0');
  stream.expires_after(k_closing_time);
  for (std::uint64_t left = k_max_discarded_bytes; left > 0;) {
    const auto [error, count] = co_await stream.async_read_some(asio::buffer(discarded), k_result);
    if (error) co_return;
    left -= std::min<std::uint64_t>(left, count);
  }
}

// What plain TCP and TLS have in common. The TLS context must outlive the stream.
template <class Stream>
class StreamOver : public AnyStream {
 public:
  template <class... Arguments>
  explicit StreamOver(std::shared_ptr<asio::ssl::context> tls, Arguments&&... arguments)
      : tls_(std::move(tls)), stream_(std::forward<Arguments>(arguments)...) {}

  void abort() override { tcp().close(); }
  void expires_after(std::chrono::seconds time) override { tcp().expires_after(time); }
  void expires_never() override { tcp().expires_never(); }
  executor_type get_executor() override { return stream_.get_executor(); }

 protected:
  Stream& stream() { return stream_; }
  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }

 private:
  void start_read(asio::mutable_buffer buffer, StreamHandler handler) override {
    stream_.async_read_some(buffer, std::move(handler));
  }
  void start_write(const WriteBuffers& buffers, StreamHandler handler) override {
    stream_.async_write_some(buffers, std::move(handler));
  }
  std::shared_ptr<asio::ssl::context> tls_;
  Stream stream_;
};

class TcpStream final : public StreamOver<beast::tcp_stream> {
 public:
  explicit TcpStream(asio::ip::tcp::socket socket) : StreamOver(nullptr, std::move(socket)) {}

  asio::awaitable<ErrorCode> handshake() override { co_return ErrorCode(); }
  asio::awaitable<void> close() override { return discard_input(stream()); }
};

class TlsStream final : public StreamOver<beast::ssl_stream<beast::tcp_stream>> {
 public:
  TlsStream(asio::ip::tcp::socket socket, const std::shared_ptr<asio::ssl::context>& tls)
      : StreamOver(tls, beast::tcp_stream(std::move(socket)), *tls) {}

  asio::awaitable<ErrorCode> handshake() override {
    const auto [error] =
        co_await stream().async_handshake(asio::ssl::stream_base::server, k_result);
    co_return error;
  }
  asio::awaitable<void> close() override {
    expires_after(k_closing_time);
    co_await stream().async_shutdown(k_result);
    co_await discard_input(tcp());
  }
};

}  // namespace

asio::awaitable<AnyStream::ErrorCode> AnyStream::read_some(asio::mutable_buffer buffer,
                                                           std::size_t& count) {
  const auto [error, transferred] = co_await async_read_some(buffer, k_result);
  count = transferred;
  co_return error;
}

asio::awaitable<AnyStream::ErrorCode> AnyStream::write(Parts parts) {
  const auto [error, count] = co_await asio::async_write(*this, parts, k_result);
  co_return error;
}

std::unique_ptr<AnyStream> make_stream(asio::ip::tcp::socket socket,
                                       const std::shared_ptr<asio::ssl::context>& tls) {
  if (tls) return std::make_unique<TlsStream>(std::move(socket), tls);
  return std::make_unique<TcpStream>(std::move(socket));
}

}  // namespace rtenv::server
