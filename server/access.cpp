#include "server/access.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/hash.hpp"

namespace rtenv::server {
namespace {

constexpr std::string_view k_bearer = "bearer ";
constexpr std::string_view k_cookie = "ray-authentication-token=";

// "[::1]:80" → "[::1]", "a:80" → "a"
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(0, host.find(']') + 1));
  return lower_ascii(host.substr(0, host.find(':')));
}

// Compares digests of equal size: the time reveals nothing about the texts.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  const auto digest = [](std::string_view text) {
    Sha256 hash;
    hash.add(text);
    return hash.finish();
  };
  const auto first = digest(a);
  const auto second = digest(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

std::optional<std::string> bearer_of(std::string_view header) {
  if (header.size() < k_bearer.size() || lower_ascii(header.substr(0, k_bearer.size())) != k_bearer)
    return std::nullopt;
  return std::string(header.substr(k_bearer.size()));
}

std::optional<std::string> given_token(const Request& request) {
  for (const char* header : {"authorization", "x-ray-authorization"})
    if (auto token = bearer_of(request.header(header))) return token;
  std::string_view cookies = request.header("cookie");
  while (!cookies.empty()) {
    const auto end = std::min(cookies.find(';'), cookies.size());
    std::string_view cookie = cookies.substr(0, end);
    cookie.remove_prefix(std::min(cookie.find_first_not_of(' '), cookie.size()));
    if (cookie.starts_with(k_cookie)) return percent_decode(cookie.substr(k_cookie.size()));
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return std::nullopt;
}

}  // namespace

bool Access::knows_host(std::string_view host) const {
  const std::string name = without_port(host);
  constexpr std::array<std::string_view, 3> loopback{"localhost", "127.0.0.1", "[::1]"};
  if (std::ranges::find(loopback, name) != loopback.end()) return true;
  if (std::ranges::find(hosts_, name) != hosts_.end()) return true;
  return !on_loopback_ && hosts_.empty();
}

std::optional<Response> Access::refuse(const Request& request) const {
  const std::string_view host = request.header("host");
  if (!knows_host(host))
    return text_response(
        403,
        fmt::format("403: '{}' isn't a name of this server (rtenv serve --allowed-host adds names)",
                    without_port(host)));
  if (const std::string_view origin = request.header("origin"); !origin.empty()) {
    const auto scheme_end = origin.find("://");
    if (scheme_end == std::string_view::npos ||
        lower_ascii(origin.substr(scheme_end + 3)) != lower_ascii(host))
      return text_response(403, "403: requests from pages of another origin aren't allowed");
  }
  const std::string_view site = request.header("sec-fetch-site");
  if (!site.empty() && site != "same-origin" && site != "none")
    return text_response(403, "403: requests from pages of another site aren't allowed");
  if (!token_) return std::nullopt;
  const auto given = given_token(request);
  if (!given) {
    Response response = text_response(
        401, "Unauthorized: a token is required (RAY_AUTH_MODE=token and RAY_AUTH_TOKEN)");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  if (!equal_in_constant_time(*given, *token_))
    return text_response(403, "Forbidden: the token is wrong");
  return std::nullopt;
}

}  // namespace rtenv::server
