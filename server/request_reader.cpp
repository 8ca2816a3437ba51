#include "server/request_reader.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "base/encoding.hpp"

namespace rtenv::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

constexpr std::size_t k_header_piece_bytes = 4 << 10;
constexpr std::size_t k_body_piece_bytes = 64 << 10;

}  // namespace

asio::awaitable<AnyStream::ErrorCode> RequestReader::read_header() {
  parser_.emplace();
  parser_->header_limit(max_header_bytes_);
  parser_->body_limit(boost::none);  // the caller of read_body limits it
  AnyStream::ErrorCode error;
  while (!parser_->is_header_done()) {
    error = http::error::need_more;
    if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.cdata(), error));
    if (error == http::error::need_more) error = co_await receive(k_header_piece_bytes);
    if (error) co_return error;
  }
  co_return error;
}

// More bytes into the buffer; their end, into the parser.
asio::awaitable<AnyStream::ErrorCode> RequestReader::receive(std::size_t max_bytes) {
  std::size_t count = 0;
  const asio::mutable_buffer room = buffer_.prepare(max_bytes);
  AnyStream::ErrorCode error = co_await stream_.read_some(room, count);
  buffer_.commit(count);
  if (error != asio::error::eof) co_return error;
  error = http::error::end_of_stream;
  if (parser_->got_some()) {
    error.clear();
    parser_->put_eof(error);
  }
  co_return error;
}

Request RequestReader::request() const {
  const auto& header = this->header();
  Request request{.method = std::string(header.method_string())};
  request.set_target(std::string_view(header.target().data(), header.target().size()));
  for (const auto& field : header) {
    const auto name = field.name_string();
    const auto value = field.value();
    const auto [known, is_new] = request.headers.try_emplace(
        lower_ascii(std::string_view(name.data(), name.size())), value.data(), value.size());
    // Of two Hosts or tokens, none is meant: the list of both isn't one.
    if (!is_new) known->second.append(", ").append(value.data(), value.size());
  }
  request.body_bytes = content_length();
  return request;
}

std::optional<std::uint64_t> RequestReader::content_length() const {
  const auto length = parser_->content_length();
  return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

bool RequestReader::expects_continue() const {
  return beast::iequals(header()[http::field::expect], "100-continue");
}

asio::awaitable<Result<std::size_t>> RequestReader::read_body(std::span<char> buffer) {
  if (parser_->is_done()) co_return std::size_t{0};
  auto& body = parser_->get().body();
  body.data = buffer.data();
  body.size = buffer.size();
  parser_->eager(true);
  AnyStream::ErrorCode error;
  while (!parser_->is_done() && !error) {
    error = http::error::need_more;
    if (buffer_.size() > 0) buffer_.consume(parser_->put(buffer_.cdata(), error));
    if (error == http::error::need_more) error = co_await receive(k_body_piece_bytes);
  }
  if (error && error != http::error::need_buffer)
    co_return fail(Errc::unavailable, "the client hung up: {}", error.message());
  co_return buffer.size() - body.size;
}

}  // namespace rtenv::server
