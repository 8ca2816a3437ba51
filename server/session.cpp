#include "server/session.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "base/encoding.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

namespace {

constexpr std::size_t k_max_client_message_bytes =
    64 << 10;  // over a websocket; nobody needs to say anything
constexpr auto k_closing_time = std::chrono::seconds(5);
constexpr std::uint64_t k_max_lingering_bytes = 256 << 20;
const auto k_result = asio::as_tuple(asio::use_awaitable);

using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

beast::tcp_stream& transport(Plain& stream) { return stream; }
beast::tcp_stream& transport(Tls& stream) { return stream.next_layer(); }

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto item = text.substr(0, end);
    const auto equals = std::min(item.find('='), item.size());
    if (!item.empty())
      query.insert_or_assign(
          percent_decode(item.substr(0, equals)),
          equals < item.size() ? percent_decode(item.substr(equals + 1)) : std::string());
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

template <class Message>
Request request_of(const Message& message) {
  Request request{.method = std::string(message.method_string())};
  const std::string_view target(message.target().data(), message.target().size());
  const auto question = std::min(target.find('?'), target.size());
  request.path = percent_decode(target.substr(0, question));
  if (question < target.size()) request.query = parse_query(target.substr(question + 1));
  for (const auto& field : message)
    request.headers.insert_or_assign(
        lower_ascii(std::string_view(field.name_string().data(), field.name_string().size())),
        std::string(field.value()));
  return request;
}

template <class Stream>
class Session {
 public:
  Session(Stream stream, SessionContext context) : stream_(std::move(stream)), context_(context) {}

  asio::awaitable<void> run() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      limit_time(context_.limits.request_time);
      const auto [error] =
          co_await stream_.async_handshake(asio::ssl::stream_base::server, k_result);
      if (error) co_return;
    }
    for (bool first = true; co_await serve_one(first); first = false) {
    }
    co_await close();
  }

 private:
  using Parser = http::request_parser<http::buffer_body>;

  void limit_time(std::chrono::seconds time) { transport(stream_).expires_after(time); }

  asio::awaitable<void> close() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      limit_time(k_closing_time);
      co_await stream_.async_shutdown(k_result);
    }
    beast::error_code ignored;
    transport(stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    co_await linger();
  }

  // A client that still sends, because it was refused early, must read the answer first: a
  // connection that is closed on what is unread is reset, and the answer lost with it.
  asio::awaitable<void> linger() {
    std::string discarded(k_piece_bytes, '\0');
    limit_time(k_closing_time);
    for (std::uint64_t left = k_max_lingering_bytes; left > 0;) {
      const auto [error, count] =
          co_await transport(stream_).async_read_some(asio::buffer(discarded), k_result);
      if (error) co_return;
      left -= std::min<std::uint64_t>(left, count);
    }
  }

  // False where the connection is at its end.
  asio::awaitable<bool> serve_one(bool first) {
    Parser parser;
    parser.header_limit(context_.limits.header_bytes);
    parser.body_limit(boost::none);
    limit_time(first ? context_.limits.request_time : context_.limits.idle_time);
    const auto [error, count] =
        co_await http::async_read_header(stream_, buffer_, parser, k_result);
    if (error) {
      if (error.category() == http::make_error_code(http::error::bad_method).category() &&
          error != http::error::end_of_stream)
        co_await write(text_answer(error == http::error::header_limit ? 431 : 400,
                                   "400: this isn't HTTP: " + error.message()),
                       11, false, false);
      co_return false;
    }
    Request request = request_of(parser.get());
    const unsigned version = parser.get().version();
    const bool head = request.method == "HEAD";
    if (auto refusal = context_.access.refuse(request))
      co_return co_await refuse(parser, std::move(*refusal), version, head);
    if (websocket::is_upgrade(parser.get())) {
      auto tail = context_.api.tail(request);
      if (tail) {
        co_await serve_tail(parser, **tail);
        co_return false;
      }
      co_return co_await refuse(
          parser, text_answer(http_status(tail.error().code()), tail.error().message()), version,
          head);
    }
    if (auto refusal = co_await take_body(parser, request))
      co_return co_await refuse(parser, std::move(*refusal), version, head);
    Answer answer = co_await context_.api.answer(request);
    // What is left of a body that nobody read would be taken for the next request.
    const bool keep = parser.keep_alive() && parser.is_done();
    co_return co_await write(std::move(answer), version, keep, head);
  }

  asio::awaitable<bool> refuse(Parser& parser, Answer answer, unsigned version, bool head) {
    const bool keep =
        parser.keep_alive() &&
        (parser.is_done() || (parser.content_length() && *parser.content_length() == 0));
    co_return co_await write(std::move(answer), version, keep, head);
  }

  // Fills or connects the request's body; the answer where that can't be done.
  asio::awaitable<std::optional<Answer>> take_body(Parser& parser, Request& request) {
    if (const auto length = parser.content_length()) request.body_bytes = *length;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, parser.get().version());
      http::response_serializer<http::empty_body> serializer(go_on);
      co_await http::async_write_header(stream_, serializer, k_result);
    }
    request.read_body = [this, &parser](std::span<char> buffer) {
      return read_body(parser, buffer);
    };
    if (Api::streams_body(request)) co_return std::nullopt;
    const Answer too_large = text_answer(
        413, fmt::format("the body is larger than {} bytes", context_.limits.body_bytes));
    if (request.body_bytes && *request.body_bytes > context_.limits.body_bytes) co_return too_large;
    std::string piece(
        std::min<std::uint64_t>(request.body_bytes.value_or(k_piece_bytes), k_piece_bytes) + 1,
        '\0');
    for (;;) {
      const auto read = co_await read_body(parser, piece);
      if (!read) co_return text_answer(400, "400: the body ended before its end");
      if (*read == 0) co_return std::nullopt;
      request.body.append(piece, 0, *read);
      if (request.body.size() > context_.limits.body_bytes) co_return too_large;
    }
  }

  asio::awaitable<Result<std::size_t>> read_body(Parser& parser, std::span<char> buffer) {
    if (parser.is_done()) co_return std::size_t{0};
    auto& body = parser.get().body();
    body.data = buffer.data();
    body.size = buffer.size();
    limit_time(context_.limits.request_time);
    const auto [error, count] = co_await http::async_read(stream_, buffer_, parser, k_result);
    if (error && error != http::error::need_buffer)
      co_return fail(Errc::unavailable, "the client hung up: {}", error.message());
    co_return buffer.size() - body.size;
  }

  void set_headers(http::fields& fields, const Answer& answer) {
    fields.set(http::field::server, "rtenv/" + context_.api.identity().rtenv_version);
    fields.set(http::field::content_type, answer.content_type);
    fields.set("X-Content-Type-Options", "nosniff");
    for (const auto& [name, value] : answer.headers) fields.set(name, value);
  }

  asio::awaitable<bool> write(Answer answer, unsigned version, bool keep, bool head) {
    limit_time(context_.limits.request_time);
    if (answer.next_piece && !head) co_return co_await write_pieces(answer, version, keep);
    http::response<http::string_body> response(static_cast<http::status>(answer.status), version);
    set_headers(response, answer);
    response.keep_alive(keep);
    response.body() = std::move(answer.body);
    if (!answer.next_piece) response.content_length(response.body().size());
    if (head) response.body().clear();
    http::response_serializer<http::string_body> serializer(response);
    const auto [error, count] = co_await http::async_write(stream_, serializer, k_result);
    co_return !error && keep;
  }

  asio::awaitable<bool> write_pieces(const Answer& answer, unsigned version, bool keep) {
    http::response<http::empty_body> response(static_cast<http::status>(answer.status), version);
    set_headers(response, answer);
    const bool chunked = version >= 11;  // else the connection's end is the body's
    response.chunked(chunked);
    response.keep_alive(keep && chunked);
    http::response_serializer<http::empty_body> serializer(response);
    if (const auto [error, count] =
            co_await http::async_write_header(stream_, serializer, k_result);
        error)
      co_return false;
    for (;;) {
      const auto piece = answer.next_piece();
      if (!piece) co_return false;
      limit_time(context_.limits.request_time);
      if (piece->empty()) break;
      beast::error_code error;
      if (chunked)
        std::tie(error, std::ignore) =
            co_await asio::async_write(stream_, http::make_chunk(asio::buffer(*piece)), k_result);
      else
        std::tie(error, std::ignore) =
            co_await asio::async_write(stream_, asio::buffer(*piece), k_result);
      if (error) co_return false;
    }
    if (!chunked) co_return false;
    const auto [error, count] =
        co_await asio::async_write(stream_, http::make_chunk_last(), k_result);
    co_return !error && keep;
  }

  using Socket = websocket::stream<Stream&>;

  asio::awaitable<void> serve_tail(Parser& parser, LogTail& tail) {
    using namespace asio::experimental::awaitable_operators;
    transport(stream_).expires_never();  // a websocket looks after its own times
    Socket socket(stream_);
    socket.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket.set_option(websocket::stream_base::decorator([&](websocket::response_type& response) {
      response.set(http::field::server, "rtenv/" + context_.api.identity().rtenv_version);
    }));
    socket.read_message_max(k_max_client_message_bytes);
    const auto header = parser.get().base();
    http::request<http::empty_body> request(header);
    if (const auto [error] = co_await socket.async_accept(request, k_result); error) co_return;
    // Whatever comes first: the end of the log, or of the client.
    co_await (send_tail(socket, tail) || ignore_client(socket));
  }

  asio::awaitable<void> send_tail(Socket& socket, LogTail& tail) {
    while (auto message = co_await tail.next()) {
      socket.text(message->is_text);
      const auto [error, count] =
          co_await socket.async_write(asio::buffer(message->data), k_result);
      if (error) co_return;
    }
    co_await socket.async_close(websocket::close_code::normal, k_result);
  }

  static asio::awaitable<void> ignore_client(Socket& socket) {
    beast::flat_buffer buffer;
    for (;;) {
      const auto [error, count] = co_await socket.async_read(buffer, k_result);
      if (error == websocket::error::closed || error == asio::error::eof ||
          error == asio::error::operation_aborted)
        break;
      if (error) break;
      buffer.clear();
    }
  }

  static constexpr std::uint64_t k_piece_bytes = 64 << 10;
  Stream stream_;
  SessionContext context_;
  beast::flat_buffer buffer_;
};

}  // namespace

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket,
                                       std::shared_ptr<asio::ssl::context> tls,
                                       SessionContext context) {
  beast::error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls) {
    Session<Tls> session(Tls(beast::tcp_stream(std::move(socket)), *tls), context);
    co_await session.run();
  } else {
    Session<Plain> session(Plain(std::move(socket)), context);
    co_await session.run();
  }
}

}  // namespace rtenv::server
