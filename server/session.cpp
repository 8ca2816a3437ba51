#include "server/session.hpp"

#include <boost/beast/http/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "base/encoding.hpp"
#include "server/any_stream.hpp"
#include "server/log_socket.hpp"
#include "server/request_reader.hpp"
#include "server/response_writer.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

constexpr std::uint64_t k_piece_bytes = 64 << 10;

class Session {
 public:
  Session(std::unique_ptr<AnyStream> stream, SessionContext context)
      : stream_(std::move(stream)),
        context_(std::move(context)),
        server_name_("rtenv/" + context_.api.identity().rtenv_version),
        reader_(*stream_, context_.limits.header_bytes) {}

  asio::awaitable<void> run();

 private:
  asio::awaitable<bool> serve_one(std::chrono::seconds time_to_begin);
  asio::awaitable<bool> serve_websocket(const Request& request);
  asio::awaitable<std::optional<Response>> prepare_body(Request& request);
  asio::awaitable<Result<std::size_t>> read_body(std::span<char> buffer);
  asio::awaitable<bool> refuse(const Request& request, Response response);
  asio::awaitable<bool> write(Response response, ResponseForm form);

  std::unique_ptr<AnyStream> stream_;
  SessionContext context_;
  std::string server_name_;
  RequestReader reader_;
  Budget::Share body_;  // of the current request
};

asio::awaitable<void> Session::run() {
  stream_->expires_after(context_.limits.request_time);
  context_.is_idle = true;
  if (const auto error = co_await stream_->handshake(); error) co_return;
  bool goes_on = co_await serve_one(context_.limits.request_time);
  while (goes_on) goes_on = co_await serve_one(context_.limits.idle_time);
  context_.is_idle = true;
  co_await stream_->close();
}

// False if the connection must be closed.
asio::awaitable<bool> Session::serve_one(std::chrono::seconds time_to_begin) {
  stream_->expires_after(time_to_begin);
  context_.is_idle = true;
  const auto error = co_await reader_.read_header();
  context_.is_idle = false;
  if (error) {
    static const auto& http_errors = http::make_error_code(http::error::bad_method).category();
    if (error.category() == http_errors && error != http::error::end_of_stream) {
      Response response =
          error == http::error::header_limit
              ? text_response(431, "431: the headers are longer than this server accepts")
              : text_response(400, "400: this isn't HTTP: " + error.message());
      co_await write(std::move(response), {.keep_alive = false});
    }
    co_return false;
  }
  Request request = reader_.request();
  // Any other coding hides where the body ends.
  if (const auto coding = request.header("transfer-encoding");
      !coding.empty() && lower_ascii(coding) != "chunked") {
    co_await write(text_response(400, "400: the Transfer-Encoding must be chunked"),
                   {.keep_alive = false});
    co_return false;
  }
  if (!context_.peer) {
    const Error& unknown = context_.peer.error();
    co_await write(text_response(http_status(unknown.code()), unknown.message()),
                   {.keep_alive = false});
    co_return false;
  }
  auto admitted = context_.access.admit(request, *context_.peer);
  if (auto* const refusal = std::get_if<Response>(&admitted))
    co_return co_await refuse(request, std::move(*refusal));
  request.caller = std::get<Caller>(std::move(admitted));
  request.from = context_.peer->address;
  if (boost::beast::websocket::is_upgrade(reader_.header()))
    co_return co_await serve_websocket(request);
  if (auto refusal = co_await prepare_body(request))
    co_return co_await refuse(request, std::move(*refusal));
  Response response = co_await context_.api.handle(request);
  body_ = {};
  // After an unread body, its rest would be parsed as the next request.
  co_return co_await write(std::move(response),
                           {.version = reader_.version(),
                            .keep_alive = reader_.keep_alive() && reader_.is_done(),
                            .head_only = request.method == "HEAD"});
}

asio::awaitable<bool> Session::serve_websocket(const Request& request) {
  auto tail = co_await context_.api.tail(request);
  if (!tail) {
    Response refusal = text_response(http_status(tail.error().code()), tail.error().message());
    co_return co_await refuse(request, std::move(refusal));
  }
  co_await serve_log(*stream_, reader_.header(), **tail, server_name_);
  co_return false;
}

asio::awaitable<bool> Session::refuse(const Request& request, Response response) {
  const bool body_is_read = reader_.is_done() || reader_.content_length() == 0U;
  co_return co_await write(std::move(response), {.version = reader_.version(),
                                                 .keep_alive = reader_.keep_alive() && body_is_read,
                                                 .head_only = request.method == "HEAD"});
}

// Reads the body, unless the handler does; returns the refusal of a bad one.
asio::awaitable<std::optional<Response>> Session::prepare_body(Request& request) {
  if (reader_.expects_continue()) {
    const std::string_view go_on =
        reader_.version() >= 11 ? "HTTP/1.1 100 Continue\r\n\r\n" : "HTTP/1.0 100 Continue\r\n\r\n";
    const AnyStream::Parts parts{asio::buffer(go_on)};
    co_await stream_->write(parts);
  }
  request.read_body = [this](std::span<char> buffer) { return read_body(buffer); };
  if (Api::streams_body(request)) co_return std::nullopt;
  const Response too_large =
      text_response(413, fmt::format("the body is larger than {} bytes, the limit of this server",
                                     context_.limits.body_bytes));
  body_ = Budget::Share(context_.bodies);
  if (request.body_bytes && *request.body_bytes > context_.limits.body_bytes) co_return too_large;
  std::string piece(
      std::min<std::uint64_t>(request.body_bytes.value_or(k_piece_bytes), k_piece_bytes) + 1, '\0');
  for (;;) {
    context_.is_idle = true;
    const auto count = co_await read_body(piece);
    context_.is_idle = false;
    if (!count) co_return text_response(400, "400: the body ended before its end");
    if (*count == 0) co_return std::nullopt;
    if (!body_.grow(*count))
      co_return text_response(
          429, fmt::format("the requests that this server is reading have {} bytes already, its "
                           "limit; try again later",
                           context_.bodies.limit()));
    request.body.append(piece, 0, *count);
    if (request.body.size() > context_.limits.body_bytes) co_return too_large;
  }
}

asio::awaitable<Result<std::size_t>> Session::read_body(std::span<char> buffer) {
  stream_->expires_after(context_.limits.request_time);
  return reader_.read_body(buffer);
}

asio::awaitable<bool> Session::write(Response response, ResponseForm form) {
  return write_response(*stream_, std::move(response), form, server_name_,
                        context_.limits.request_time);
}

}  // namespace

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket,
                                       std::shared_ptr<asio::ssl::context> tls,
                                       SessionContext context) {
  boost::system::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  Session session(make_stream(std::move(socket), tls), std::move(context));
  co_await session.run();
}

}  // namespace rtenv::server
