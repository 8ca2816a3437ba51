#include "server/http.hpp"

#include <charconv>

#include "base/json_text.hpp"

namespace rtenv::server {

std::string_view Request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<std::optional<std::uint64_t>> Request::number(const std::string& name) const {
  const auto found = query.find(name);
  if (found == query.end()) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const char* const end = found->second.data() + found->second.size();
  const auto parsed = std::from_chars(found->second.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value > INT64_MAX)
    return fail(Errc::invalid_argument, "{} must be a whole number from 0, got '{}'", name,
                found->second);
  return std::optional(value);
}

bool Request::from_browser() const {
  return headers.contains("sec-fetch-mode") || headers.contains("sec-fetch-site") ||
         header("user-agent").starts_with("Mozilla/");
}

Answer json_answer(const nlohmann::json& value) {
  return {.content_type = "application/json; charset=utf-8", .body = json_text(value)};
}

Answer text_answer(int status, std::string text) {
  return {.status = status, .body = std::move(text)};
}

Answer error_answer(const Error& error) {
  return text_answer(http_status(error.code()),
                     error.hint().empty() ? error.message()
                                          : fmt::format("{} ({})", error.message(), error.hint()));
}

}  // namespace rtenv::server
