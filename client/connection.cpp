#include "client/connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cerrno>
#include <optional>

#include "base/fd.hpp"

namespace rtenv::client {

namespace asio = boost::asio;

namespace {

using Clock = Connection::Clock;
using ErrorCode = Connection::ErrorCode;
using Addresses = asio::ip::tcp::resolver::results_type;

constexpr std::chrono::seconds k_close_time{30};
constexpr std::chrono::milliseconds k_longest_wait{3'600'000};

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

// A socket that doesn't block; poll(2) waits for it, for the deadline and for the cancellation.
class PolledSocket {
 public:
  using executor_type = asio::io_context::executor_type;
  using lowest_layer_type = PolledSocket;

  explicit PolledSocket(const Cancellation* cancellation) : cancellation_(cancellation) {}

  lowest_layer_type& lowest_layer() { return *this; }
  executor_type get_executor() noexcept { return context_.get_executor(); }
  void set_deadline(Clock::time_point deadline) noexcept { deadline_ = deadline; }

  Addresses resolve(const Endpoint& endpoint, ErrorCode& error) {
    return asio::ip::tcp::resolver(context_).resolve(endpoint.host, endpoint.port, error);
  }

  void connect(const std::string& unix_socket, ErrorCode& error) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    error = asio::error::name_too_long;
    if (unix_socket.size() >= sizeof address.sun_path) return;
    std::ranges::copy(unix_socket, address.sun_path);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    error = last_error();
    if (!fd) return;
    // Asio uses a socket's descriptor only: a Unix socket can be one of its TCP sockets.
    socket_.assign(asio::ip::tcp::v4(), fd.get(), error);
    if (error) return;
    if (::connect(fd.release(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      error = last_error();
      return;
    }
    socket_.non_blocking(true, error);
  }

  void connect(const Addresses& addresses, ErrorCode& error) {
    error = asio::error::host_not_found;
    for (const auto& address : addresses) {
      connect(address.endpoint(), error);
      if (!error || is_stopped(error)) return;
    }
  }

  template <class MutableBuffers>
  std::size_t read_some(const MutableBuffers& buffers, ErrorCode& error) {
    for (;;) {
      const std::size_t count = socket_.read_some(buffers, error);
      if (error != asio::error::would_block || !wait(POLLIN, error)) return count;
    }
  }

  template <class ConstBuffers>
  std::size_t write_some(const ConstBuffers& buffers, ErrorCode& error) {
    for (;;) {
      const std::size_t count = socket_.write_some(buffers, error);
      if (error != asio::error::would_block || !wait(POLLOUT, error)) return count;
    }
  }

  // Waits for the server to close its side.
  void drain() {
    std::array<std::byte, 2048> ignored;
    for (ErrorCode error; !error;) read_some(asio::buffer(ignored), error);
  }

  void close() {
    ErrorCode ignored;
    socket_.close(ignored);
  }

 private:
  static bool is_stopped(const ErrorCode& error) {
    return error == asio::error::operation_aborted || error == asio::error::timed_out;
  }

  void connect(const asio::ip::tcp::endpoint& address, ErrorCode& error) {
    close();
    socket_.open(address.protocol(), error);
    if (!error) socket_.non_blocking(true, error);
    if (error) return;
    // Asio's own connect waits without an end.
    if (::connect(socket_.native_handle(), address.data(),
                  static_cast<socklen_t>(address.size())) == 0)
      return;
    error = last_error();
    if (error != asio::error::in_progress || !wait(POLLOUT, error)) return;
    int outcome = 0;
    socklen_t size = sizeof outcome;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &outcome, &size) != 0)
      error = last_error();
    else
      error = {outcome, boost::system::system_category()};
  }

  bool wait(short events, ErrorCode& error) {
    std::array entries{pollfd{.fd = socket_.native_handle(), .events = events, .revents = 0},
                       pollfd{.fd = cancellation_ != nullptr ? cancellation_->poll_fd() : -1,
                              .events = POLLIN,
                              .revents = 0}};
    for (;;) {
      const int ready = ::poll(entries.data(), entries.size(), remaining_ms());
      if (ready < 0 && errno != EINTR) {
        error = last_error();
        return false;
      }
      if (ready > 0 && entries[1].revents != 0) {
        error = asio::error::operation_aborted;
        return false;
      }
      if (ready > 0) {
        error = {};
        return true;
      }
      if (deadline_ <= Clock::now()) {
        error = asio::error::timed_out;
        return false;
      }
    }
  }

  [[nodiscard]] int remaining_ms() const {
    if (deadline_ == Clock::time_point::max()) return -1;
    const auto remaining = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    return static_cast<int>(
        std::clamp(remaining, std::chrono::milliseconds(0), k_longest_wait).count());
  }

  const Cancellation* cancellation_;
  asio::io_context context_{1};
  asio::ip::tcp::socket socket_{context_};
  Clock::time_point deadline_ = Clock::time_point::max();
};

Failure unavailable(std::string_view what, const ErrorCode& error) {
  return fail(Errc::unavailable, "{}: {}", what, error.message());
}

}  // namespace

struct Connection::Transport {
  explicit Transport(const Cancellation* cancellation) : socket(cancellation) {}

  Result<void> start_tls(const Endpoint& endpoint, const Environment& environment) {
    RTENV_TRY(load_certificates(endpoint, environment));
    tls.emplace(socket, tls_context);
    // Equivalent to the macro SSL_set_tlsext_host_name, without its casts.
    std::string host = endpoint.host;
    SSL_ctrl(tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             host.data());
    ErrorCode error;
    tls->handshake(asio::ssl::stream_base::client, error);
    if (error) return unavailable("no TLS", error);
    return {};
  }

  Result<void> load_certificates(const Endpoint& endpoint, const Environment& environment) {
    ErrorCode error;
    tls_context.set_default_verify_paths(error);
    if (environment.find("RTENV_TLS_VERIFY") == "false") {
      tls_context.set_verify_mode(asio::ssl::verify_none);
      return {};
    }
    tls_context.set_verify_mode(asio::ssl::verify_peer);
    tls_context.set_verify_callback(asio::ssl::host_name_verification(endpoint.host));
    for (const char* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"})
      if (const auto file = environment.find_filled(variable)) {
        tls_context.load_verify_file(std::string(*file), error);
        if (error)
          return fail(Errc::invalid_argument, "{}: {} holds no certificates: {}", variable, *file,
                      error.message());
        break;
      }
    return {};
  }

  PolledSocket socket;
  asio::ssl::context tls_context{asio::ssl::context::tls_client};
  std::optional<asio::ssl::stream<PolledSocket&>> tls;
};

Connection::Connection(const Cancellation* cancellation)
    : transport_(std::make_unique<Transport>(cancellation)) {}

Connection::~Connection() = default;

Result<void> Connection::open(const Endpoint& endpoint, const Environment& environment) {
  ErrorCode error;
  if (!endpoint.unix_socket.empty()) {
    transport_->socket.connect(endpoint.unix_socket, error);
    if (error) return unavailable("no connection", error);
    return {};
  }
  const Addresses addresses = transport_->socket.resolve(endpoint, error);
  if (error) return unavailable("unknown host", error);
  transport_->socket.connect(addresses, error);
  if (error) return unavailable("no connection", error);
  return endpoint.tls ? transport_->start_tls(endpoint, environment) : Result<void>();
}

void Connection::set_deadline(Clock::time_point deadline) noexcept {
  transport_->socket.set_deadline(deadline);
}

Connection::executor_type Connection::get_executor() noexcept {
  return transport_->socket.get_executor();
}

std::size_t Connection::receive(asio::mutable_buffer buffer, ErrorCode& error) {
  return transport_->tls ? transport_->tls->read_some(buffer, error)
                         : transport_->socket.read_some(buffer, error);
}

std::size_t Connection::transmit(asio::const_buffer buffer, ErrorCode& error) {
  return transport_->tls ? transport_->tls->write_some(buffer, error)
                         : transport_->socket.write_some(buffer, error);
}

void Connection::close() noexcept {
  set_deadline(Clock::now() + k_close_time);
  ErrorCode ignored;
  if (transport_->tls)
    transport_->tls->shutdown(ignored);
  else
    transport_->socket.drain();
  transport_->socket.close();
}

}  // namespace rtenv::client
