#include "client/log_socket.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/text.hpp"
#include "client/connection.hpp"

namespace rtenv::client {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

namespace {

constexpr std::chrono::seconds k_connect_time{10};
constexpr std::chrono::seconds k_handshake_time{30};

// Without compression, which neither server offers.
using Socket = websocket::stream<Connection, false>;
using OnMessage = std::function<Result<void>(const LogMessage&)>;

void add_headers(websocket::request_type& request, const remote::JobServer& server) {
  request.set(beast::http::field::user_agent, "rtenv");
  if (!server.token.empty())
    request.set(beast::http::field::authorization, "Bearer " + server.token);
  for (const std::string_view header : server.headers) {
    const auto colon = header.find(':');
    request.set(header.substr(0, colon), trim(header.substr(colon + 1), " "));
  }
}

// False if what answers is no websocket.
Result<bool> open_socket(Socket& socket, const remote::JobServer& server, const std::string& path,
                         const Environment& environment) {
  RTENV_TRY(Endpoint endpoint, parse_endpoint(server.address));
  endpoint.unix_socket = server.unix_socket;
  const std::string shown = server.shown();
  Connection& connection = socket.next_layer();
  connection.set_deadline(Connection::Clock::now() + k_connect_time);
  auto opened = connection.open(endpoint, environment);
  if (!opened) return Failure(std::move(opened).error().within(shown));

  connection.set_deadline(Connection::Clock::now() + k_handshake_time);
  socket.set_option(websocket::stream_base::decorator(
      [&](websocket::request_type& request) { add_headers(request, server); }));
  socket.read_message_max(0);
  websocket::response_type response;
  beast::error_code error;
  socket.handshake(response, endpoint.host_and_port, endpoint.base_path + path, error);
  connection.clear_deadline();
  if (!error) return true;
  switch (response.result()) {
    case beast::http::status::not_found: return fail(Errc::not_found, "there is no such job");
    case beast::http::status::unauthorized:
    case beast::http::status::forbidden:
      return fail(Errc::permission_denied, "{} denies access to the job's log", shown)
          .hint("set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to a file with the token");
    default: break;
  }
  if (error == websocket::error::upgrade_declined) return false;
  return fail(Errc::unavailable, "{}: no websocket: {}", shown, error.message());
}

Result<SocketEnd> read_messages(Socket& socket, const OnMessage& on_message) {
  beast::flat_buffer buffer;
  for (;;) {
    beast::error_code error;
    socket.read(buffer, error);
    if (error)
      return error == websocket::error::closed &&
                     socket.reason().code == websocket::close_code::normal
                 ? SocketEnd::in_order
                 : SocketEnd::broken;
    const LogMessage message{
        .data = std::string_view(static_cast<const char*>(buffer.data().data()), buffer.size()),
        .is_text = socket.got_text()};
    RTENV_TRY(on_message(message));
    buffer.clear();
  }
}

Result<SocketEnd> open_and_read(const remote::JobServer& server, const std::string& path,
                                const Environment& environment, const Cancellation* cancellation,
                                const OnMessage& on_message) {
  Socket socket(cancellation);
  RTENV_TRY(const bool opened, open_socket(socket, server, path, environment));
  if (!opened) return SocketEnd::refused;
  return read_messages(socket, on_message);
}

}  // namespace

Result<SocketEnd> read_log_socket(const remote::JobServer& server, const std::string& path,
                                  const Environment& environment, const Cancellation* cancellation,
                                  const OnMessage& on_message) {
  auto end = open_and_read(server, path, environment, cancellation, on_message);
  if (cancellation != nullptr && cancellation->requested())
    return fail(Errc::cancelled, "interrupted");
  return end;
}

}  // namespace rtenv::client
