#include "server/response_writer.hpp"

#include <boost/beast/http/status.hpp>
#include <iterator>

namespace rtenv::server {

namespace asio = boost::asio;

namespace {

bool is_chunked(const Response& response, const ResponseForm& form) {
  return response.next_piece && !form.head_only && form.version >= 11;
}

// The end of an HTTP/1.0 body of unknown length is the end of the connection.
bool can_keep_alive(const Response& response, const ResponseForm& form) {
  return form.keep_alive && (!response.next_piece || form.head_only || is_chunked(response, form));
}

asio::awaitable<bool> write_pieces(AnyStream& stream, const Response& response, bool chunked,
                                   std::chrono::seconds piece_time) {
  for (;;) {
    const auto piece = co_await response.next_piece();
    if (!piece) co_return false;
    stream.expires_after(piece_time);
    if (piece->empty()) break;
    const std::string size = chunked ? fmt::format("{:x}\r\n", piece->size()) : std::string();
    const std::string_view end = chunked ? "\r\n" : "";
    const AnyStream::Parts parts{asio::buffer(size), asio::buffer(*piece), asio::buffer(end)};
    if (const auto error = co_await stream.write(parts); error) co_return false;
  }
  if (!chunked) co_return true;
  const AnyStream::Parts last{asio::buffer(std::string_view("0\r\n\r\n"))};
  const auto error = co_await stream.write(last);
  co_return !error;
}

}  // namespace

std::string response_head(const Response& response, const ResponseForm& form,
                          const std::string& server_name) {
  const auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(response.status));
  std::string head;
  const auto out = std::back_inserter(head);
  fmt::format_to(out,
                 "HTTP/{}.{} {} {}\r\nServer: {}\r\nContent-Type: {}\r\n"
                 "X-Content-Type-Options: nosniff\r\n",
                 form.version / 10, form.version % 10, response.status,
                 std::string_view(reason.data(), reason.size()), server_name,
                 response.content_type);
  for (const auto& [name, value] : response.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  if (is_chunked(response, form)) head += "Transfer-Encoding: chunked\r\n";
  const bool keep_alive = can_keep_alive(response, form);
  if (form.version < 11 && keep_alive) head += "Connection: keep-alive\r\n";
  if (form.version >= 11 && !keep_alive) head += "Connection: close\r\n";
  if (!response.next_piece) fmt::format_to(out, "Content-Length: {}\r\n", response.body.size());
  return head += "\r\n";
}

asio::awaitable<bool> write_response(AnyStream& stream, Response response, ResponseForm form,
                                     const std::string& server_name,
                                     std::chrono::seconds piece_time) {
  const std::string head = response_head(response, form, server_name);
  const std::string_view body = form.head_only ? std::string_view() : response.body;
  const AnyStream::Parts parts{asio::buffer(head), asio::buffer(body)};
  stream.expires_after(piece_time);
  if (const auto error = co_await stream.write(parts); error) co_return false;
  if (response.next_piece && !form.head_only) {
    const bool whole =
        co_await write_pieces(stream, response, is_chunked(response, form), piece_time);
    if (!whole) co_return false;
  }
  co_return can_keep_alive(response, form);
}

}  // namespace rtenv::server
