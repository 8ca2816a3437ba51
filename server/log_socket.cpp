#include "server/log_socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace rtenv::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

namespace {

constexpr std::size_t k_max_client_message_bytes = 64 << 10;  // clients have nothing to say
const auto k_result = asio::as_tuple(asio::use_awaitable);

using Socket = websocket::stream<AnyStream&, /*deflateSupported=*/false>;

asio::awaitable<void> send_log(Socket& socket, LogTail& tail) {
  while (auto message = co_await tail.next()) {
    socket.text(message->is_text);
    const auto [error, count] = co_await socket.async_write(asio::buffer(message->data), k_result);
    if (error) co_return;
  }
  co_await socket.async_close(websocket::close_code::normal, k_result);
}

// Reading replies to pings and detects when the client disconnects; its messages are ignored.
asio::awaitable<void> discard_messages(Socket& socket) {
  beast::flat_buffer buffer;
  for (;;) {
    const auto [error, count] = co_await socket.async_read(buffer, k_result);
    if (error) co_return;
    buffer.clear();
  }
}

}  // namespace

asio::awaitable<void> serve_log(AnyStream& stream, const http::request_header<>& request,
                                LogTail& tail, const std::string& server_name) {
  using namespace asio::experimental::awaitable_operators;
  stream.expires_never();  // a websocket has its own timeouts
  Socket socket(stream);
  socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
  socket.set_option(websocket::stream_base::decorator(
      [&](websocket::response_type& response) { response.set(http::field::server, server_name); }));
  socket.read_message_max(k_max_client_message_bytes);
  const http::request<http::empty_body> upgrade(request);
  if (const auto [error] = co_await socket.async_accept(upgrade, k_result); error) co_return;
  co_await (send_log(socket, tail) || discard_messages(socket));
}

}  // namespace rtenv::server
