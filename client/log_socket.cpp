#include "client/log_socket.hpp"

#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "remote/uri.hpp"

namespace rtenv::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

constexpr auto k_connect_time = std::chrono::seconds(10);
const auto k_result = asio::as_tuple(asio::use_awaitable);

using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;
using OnMessage = std::function<Result<void>(const LogMessage&)>;

struct Endpoint {
  bool tls = false;
  std::string host;
  std::string port;
  std::string base;  // of the path
};

Endpoint endpoint_of(std::string_view address) {
  Endpoint endpoint{.tls = address.starts_with("https://")};
  address.remove_prefix(endpoint.tls ? 8 : 7);
  const auto path = std::min(address.find('/'), address.size());
  endpoint.base = address.substr(path);
  std::string_view authority = address.substr(0, path);
  if (const auto user = authority.rfind('@'); user != std::string_view::npos)
    authority.remove_prefix(user + 1);
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  endpoint.host = authority.substr(0, has_port ? colon : authority.size());
  endpoint.port = has_port ? authority.substr(colon + 1) : endpoint.tls ? "443" : "80";
  if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  return endpoint;
}

class LogSocket {
 public:
  LogSocket(const remote::JobServer& server, const std::string& path,
            const Environment& environment, const OnMessage& on_message)
      : server_(server),
        path_(path),
        environment_(environment),
        on_message_(on_message),
        endpoint_(endpoint_of(server.address)) {}

  asio::awaitable<Result<bool>> run() {
    if (!endpoint_.tls) {
      websocket::stream<Plain> socket(co_await asio::this_coro::executor);
      co_return co_await talk(socket);
    }
    if (auto prepared = prepare_tls(); !prepared) co_return Failure(std::move(prepared).error());
    websocket::stream<Tls> socket(co_await asio::this_coro::executor, tls_);
    co_return co_await talk(socket);
  }

 private:
  [[nodiscard]] Failure unavailable(std::string_view what, const beast::error_code& error) const {
    return fail(Errc::unavailable, "{}: {}: {}", remote::redacted_url(server_.address), what,
                error.message());
  }

  Result<void> prepare_tls() {
    beast::error_code error;
    tls_.set_default_verify_paths(error);
    if (environment_.find("RTENV_TLS_VERIFY") == "false") {
      tls_.set_verify_mode(asio::ssl::verify_none);
      return {};
    }
    tls_.set_verify_mode(asio::ssl::verify_peer);
    tls_.set_verify_callback(asio::ssl::host_name_verification(endpoint_.host));
    for (const char* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"})
      if (const auto file = environment_.find_filled(variable)) {
        tls_.load_verify_file(std::string(*file), error);
        if (error)
          return fail(Errc::invalid_argument, "{} holds no certificates: {}", *file,
                      error.message());
        break;
      }
    return {};
  }

  template <class Stream>
  asio::awaitable<Result<bool>> talk(websocket::stream<Stream>& socket) {
    auto& transport = beast::get_lowest_layer(socket);
    transport.expires_after(k_connect_time);
    asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
    const auto [unresolved, found] =
        co_await resolver.async_resolve(endpoint_.host, endpoint_.port, k_result);
    if (unresolved) co_return unavailable("unknown host", unresolved);
    const auto [unconnected, where] = co_await transport.async_connect(found, k_result);
    if (unconnected) co_return unavailable("no connection", unconnected);
    if constexpr (std::is_same_v<Stream, Tls>) {
      // What the macro SSL_set_tlsext_host_name does, without its casts.
      SSL_ctrl(socket.next_layer().native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
               TLSEXT_NAMETYPE_host_name, endpoint_.host.data());
      const auto [untrusted] =
          co_await socket.next_layer().async_handshake(asio::ssl::stream_base::client, k_result);
      if (untrusted) co_return unavailable("no TLS", untrusted);
    }
    transport.expires_never();  // the websocket looks after its own times
    socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::client));
    socket.set_option(websocket::stream_base::decorator(
        [this](websocket::request_type& request) { decorate(request); }));
    socket.read_message_max(0);
    websocket::response_type response;
    const std::string host = endpoint_.host + ":" + endpoint_.port;
    const std::string target = endpoint_.base + path_;
    const auto [refused] = co_await socket.async_handshake(response, host, target, k_result);
    if (refused) {
      if (response.result() == beast::http::status::not_found)
        co_return fail(Errc::not_found, "there is no such job");
      if (response.result() == beast::http::status::unauthorized ||
          response.result() == beast::http::status::forbidden)
        co_return fail(Errc::permission_denied, "{} refuses",
                       remote::redacted_url(server_.address));
      co_return unavailable("no websocket", refused);
    }
    beast::flat_buffer buffer;
    for (;;) {
      const auto [ended, count] = co_await socket.async_read(buffer, k_result);
      if (ended)
        co_return ended == websocket::error::closed&& socket.reason().code ==
            websocket::close_code::normal;
      const LogMessage message{
          .data = std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size()),
          .is_text = socket.got_text()};
      if (auto taken = on_message_(message); !taken) co_return Failure(std::move(taken).error());
      buffer.clear();
    }
  }

  void decorate(websocket::request_type& request) const {
    request.set(beast::http::field::user_agent, "rtenv");
    if (!server_.token.empty())
      request.set(beast::http::field::authorization, "Bearer " + server_.token);
    for (const std::string& header : server_.headers) {
      const auto colon = header.find(':');
      request.set(header.substr(0, colon),
                  header.substr(std::min(header.find_first_not_of(' ', colon + 1), header.size())));
    }
  }

  const remote::JobServer& server_;
  const std::string& path_;
  const Environment& environment_;
  const OnMessage& on_message_;
  Endpoint endpoint_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
};

// Ends what goes on beside it.
asio::awaitable<void> wait_for(const Cancellation* cancellation) {
  asio::posix::stream_descriptor event(co_await asio::this_coro::executor);
  if (cancellation != nullptr) {
    event.assign(::dup(cancellation->poll_fd()));
    co_await event.async_wait(asio::posix::stream_descriptor::wait_read, k_result);
    co_return;
  }
  asio::steady_timer never(co_await asio::this_coro::executor,
                           asio::steady_timer::time_point::max());
  co_await never.async_wait(k_result);
}

asio::awaitable<void> run_beside(LogSocket& socket, const Cancellation* cancellation,
                                 std::optional<Result<bool>>& result) {
  using namespace asio::experimental::awaitable_operators;
  auto done = [&]() -> asio::awaitable<void> { result.emplace(co_await socket.run()); };
  co_await (done() || wait_for(cancellation));
}

}  // namespace

Result<bool> read_log_socket(const remote::JobServer& server, const std::string& path,
                             const Environment& environment, const Cancellation* cancellation,
                             const OnMessage& on_message) {
  asio::io_context context(1);
  LogSocket socket(server, path, environment, on_message);
  std::optional<Result<bool>> result;
  std::exception_ptr fault;
  asio::co_spawn(context, run_beside(socket, cancellation, result),
                 [&](const std::exception_ptr& thrown) { fault = thrown; });
  context.run();
  if (cancellation != nullptr && cancellation->requested())
    return fail(Errc::cancelled, "interrupted");
  if (fault || !result) return false;
  return std::move(*result);
}

}  // namespace rtenv::client
