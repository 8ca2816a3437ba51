// A request and its answer, as those who answer see them: without the library that brings them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::server {

struct Request {
  std::string method;
  std::string path;                            // percent-decoded, without the query
  std::map<std::string, std::string> query;    // percent-decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // of what isn't streamed
  std::optional<std::uint64_t> body_bytes;     // as the client says
  /// Of a streamed body: fills the buffer, 0 at its end.
  std::function<boost::asio::awaitable<Result<std::size_t>>(std::span<char>)> read_body;

  [[nodiscard]] std::string_view header(const std::string& name) const;
  /// Fails: invalid_argument (not a whole number from 0).
  [[nodiscard]] Result<std::optional<std::uint64_t>> number(const std::string& name) const;
  /// A page in a browser asked for it.
  [[nodiscard]] bool from_browser() const;
};

struct Answer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Instead of a body: the next piece, empty at the end. An error cuts the connection: the client
  /// must see that it is cut.
  std::function<Result<std::string>()> next_piece;
};

Answer json_answer(const nlohmann::json& value);
Answer text_answer(int status, std::string text);
/// By its code; the hint in brackets.
Answer error_answer(const Error& error);

}  // namespace rtenv::server
