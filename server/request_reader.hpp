// Reads the requests of one connection, one after another: header, then body. For the network's
// thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdint>
#include <optional>
#include <span>

#include "server/any_stream.hpp"
#include "server/http.hpp"

namespace rtenv::server {

class RequestReader {
 public:
  /// The stream must outlive this.
  RequestReader(AnyStream& stream, std::uint32_t max_header_bytes)
      : stream_(stream), max_header_bytes_(max_header_bytes) {}

  /// Reads the next header. The error is end_of_stream if the client closed the connection between
  /// requests, one of Beast's HTTP errors for malformed input, else the connection's error.
  boost::asio::awaitable<AnyStream::ErrorCode> read_header();
  /// The request without its body. Requires, as all below: a header was read.
  [[nodiscard]] Request request() const;
  [[nodiscard]] const boost::beast::http::request_header<>& header() const {
    return parser_->get().base();
  }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const;
  [[nodiscard]] unsigned version() const { return parser_->get().version(); }
  [[nodiscard]] bool keep_alive() const { return parser_->keep_alive(); }
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] bool is_done() const { return parser_->is_done(); }

  /// Fills the buffer with the next bytes of the body; 0 at its end. Fails: unavailable (the
  /// connection was lost, timed out, or the body isn't HTTP).
  boost::asio::awaitable<Result<std::size_t>> read_body(std::span<char> buffer);

 private:
  boost::asio::awaitable<AnyStream::ErrorCode> receive(std::size_t max_bytes);

  AnyStream& stream_;
  std::uint32_t max_header_bytes_;
  boost::beast::flat_buffer buffer_;  // received and not parsed yet
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;
};

}  // namespace rtenv::server
