// A request and its response as the handlers see them: independent of the HTTP library.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "server/tokens.hpp"

namespace rtenv::server {

struct Request {
  std::string method;
  std::string path;                            // as it was sent, without the query
  std::map<std::string, std::string> query;    // percent-decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // empty if the handler reads it, by read_body
  std::optional<std::uint64_t> body_bytes;     // from Content-Length
  Caller caller;                               // set when the request has been admitted
  std::string from;                            // the address of the other end
  /// Fills the buffer with the next bytes of the body; 0 at its end. Fails: unavailable.
  std::function<boost::asio::awaitable<Result<std::size_t>>(std::span<char>)> read_body;

  /// Sets path and query from a request line's target, "/path?a=1&b=2".
  void set_target(std::string_view target);
  /// The header's value; empty if it is missing.
  [[nodiscard]] std::string_view header(const std::string& name) const;
  /// A query parameter as a number; nullopt if it is missing. Fails: invalid_argument (not a whole
  /// number from 0).
  [[nodiscard]] Result<std::optional<std::uint64_t>> number(const std::string& name) const;
  /// Whether the answer must not have the values of env_vars: it goes to a page in a browser, or to
  /// somebody who may only read.
  [[nodiscard]] bool hides_values() const;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Instead of a body: the next piece, empty at the end. After an error the connection is closed
  /// without the end of the body, so that the client notices.
  std::function<boost::asio::awaitable<Result<std::string>>()> next_piece;
};

Response json_response(const nlohmann::json& value);
Response text_response(int status, std::string text);
/// With the status of the error's code; the hint follows in parentheses.
Response error_response(const Error& error);

}  // namespace rtenv::server
