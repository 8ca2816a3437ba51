// A TCP connection to a server, with TLS if the endpoint requires it. Reads and writes block,
// but fail at a deadline or when a cancellation is requested. For one thread.
//
// It models Beast's SyncStream, so that the websocket's templates are instantiated once, not once
// for TCP and once for TLS, and without coroutines: they take a minute to compile.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/role.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "client/endpoint.hpp"

namespace rtenv::client {

class Connection {
 public:
  using Clock = std::chrono::steady_clock;
  using ErrorCode = boost::beast::error_code;
  using executor_type = boost::asio::io_context::executor_type;  // only names a type: never run

  /// `cancellation` may be null; otherwise it must outlive the connection.
  explicit Connection(const Cancellation* cancellation);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects to the first address of the host that accepts. `environment`: CURL_CA_BUNDLE or
  /// SSL_CERT_FILE name the trusted certificates; RTENV_TLS_VERIFY=false trusts any.
  /// Fails: unavailable (unknown host, no connection, no TLS, interrupted), invalid_argument (a
  /// file without certificates).
  Result<void> open(const Endpoint& endpoint, const Environment& environment);

  /// Reads and writes that aren't done by then fail with timed_out.
  void set_deadline(Clock::time_point deadline) noexcept;
  void clear_deadline() noexcept { set_deadline(Clock::time_point::max()); }

  executor_type get_executor() noexcept;

  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers, ErrorCode& error) {
    for (auto each = boost::asio::buffer_sequence_begin(buffers);
         each != boost::asio::buffer_sequence_end(buffers); ++each)
      if (const boost::asio::mutable_buffer buffer = *each; buffer.size() != 0)
        return receive(buffer, error);
    error = {};
    return 0;
  }
  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers) {
    return or_throw([&](ErrorCode& error) { return read_some(buffers, error); });
  }

  /// Copies the buffers into one: a websocket client sends little, in many small buffers.
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers, ErrorCode& error) {
    std::vector<std::byte> flat(boost::asio::buffer_size(buffers));
    boost::asio::buffer_copy(boost::asio::buffer(flat), buffers);
    return transmit(boost::asio::buffer(std::as_const(flat)), error);
  }
  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers) {
    return or_throw([&](ErrorCode& error) { return write_some(buffers, error); });
  }

  /// Beast calls it after the websocket's closing handshake: waits a while for the server to close
  /// the connection first (RFC 6455, section 7.1.1), then closes it.
  friend void teardown(boost::beast::role_type, Connection& connection, ErrorCode& error) {
    connection.close();
    error = {};
  }

 private:
  struct Transport;

  template <class Operation>
  static std::size_t or_throw(const Operation& operation) {
    ErrorCode error;
    const std::size_t count = operation(error);
    if (error) throw boost::beast::system_error(error);
    return count;
  }
  std::size_t receive(boost::asio::mutable_buffer buffer, ErrorCode& error);
  std::size_t transmit(boost::asio::const_buffer buffer, ErrorCode& error);
  void close() noexcept;

  std::unique_ptr<Transport> transport_;
};

}  // namespace rtenv::client
