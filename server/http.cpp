#include "server/http.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/decimal.hpp"
#include "base/encoding.hpp"
#include "base/json_text.hpp"

namespace rtenv::server {
namespace {

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto item = text.substr(0, end);
    const auto equals = std::min(item.find('='), item.size());
    const auto value = item.substr(std::min(equals + 1, item.size()));
    if (!item.empty())
      query.insert_or_assign(percent_decode(item.substr(0, equals)), percent_decode(value));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return query;
}

}  // namespace

void Request::set_target(std::string_view target) {
  const auto question = std::min(target.find('?'), target.size());
  path = target.substr(0, question);
  query = parse_query(target.substr(std::min(question + 1, target.size())));
}

std::string_view Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::optional<std::uint64_t>> Request::number(const std::string& name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::optional<std::uint64_t>();
  const auto value = parse_decimal(found->second);
  if (!value || *value > INT64_MAX)
    return fail(Errc::invalid_argument, "{} must be a whole number, 0 or more, got '{}'", name,
                found->second);
  return value;
}

bool Request::hides_values() const {
  return caller.right == Right::read || headers.contains("sec-fetch-mode") ||
         headers.contains("sec-fetch-site") || header("user-agent").starts_with("Mozilla/");
}

Response json_response(const nlohmann::json& value) {
  return {.content_type = "application/json; charset=utf-8", .body = json_text(value)};
}

Response text_response(int status, std::string text) {
  return {.status = status, .body = std::move(text)};
}

Response error_response(const Error& error) {
  return text_response(http_status(error.code()),
                       error.hint().empty()
                           ? error.message()
                           : fmt::format("{} ({})", error.message(), error.hint()));
}

}  // namespace rtenv::server
