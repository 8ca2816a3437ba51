#include "remote/redirect.hpp"

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/redact.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

// Any other header may be a credential.
bool says_what_is_wanted(std::string_view header) {
  constexpr std::array<std::string_view, 2> k_names{"accept", "range"};
  return std::ranges::find(k_names, lower_ascii(header.substr(0, header.find(':')))) !=
         k_names.end();
}

// Servers send what a URL can't have as it is, and browsers escape it.
std::string escaped(std::string_view location) {
  std::string result;
  for (const char c : location) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f)
      result += c;
    else
      result += fmt::format("%{:02X}", byte);
  }
  return result;
}

// Only what is named here goes along.
HttpRequest for_other_origin(const HttpRequest& request, const Url& next) {
  HttpRequest result{.method = request.method,
                     .url = next.text(),
                     .follow_redirects = request.follow_redirects,
                     .compressed = request.compressed,
                     .cleans_up = request.cleans_up,
                     .work_time = request.work_time,
                     .max_bytes = request.max_bytes,
                     .check_response = request.check_response};
  std::ranges::copy_if(request.headers, std::back_inserter(result.headers), says_what_is_wanted);
  const bool is_hosts_own_service = next.origin.scheme == "https" && next.origin.port == "443";
  if (request.netrc != Netrc::unused && is_hosts_own_service) result.netrc = Netrc::named_entry;
  return result;
}

}  // namespace

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool follows_redirects(const HttpRequest& request) noexcept {
  return request.follow_redirects && request.destination == Destination::network &&
         (request.method == "GET" || request.method == "HEAD");
}

Result<HttpRequest> redirected(const HttpRequest& request, std::string_view location) {
  RTENV_TRY(const Url from, Url::parse(request.url));
  if (location.empty())
    return fail(Errc::invalid_argument, "{} redirects without a target", redacted_url(request.url));
  const auto resolved = from.resolve(escaped(location));
  if (!resolved)
    return fail(Errc::invalid_argument, "{} redirects to what isn't an http URL: {}",
                redacted_url(request.url), redacted_url(location));
  const Url& next = *resolved;
  if (is_downgrade(from.origin, next.origin))
    return fail(Errc::permission_denied, "{} redirects to {}, which isn't encrypted",
                redacted_url(request.url), redacted_url(location))
        .hint("if that may be read and changed on the way, name this URL itself");
  if (next.origin != from.origin) return for_other_origin(request, next);
  HttpRequest result = request;
  result.url = next.text();
  return result;
}

}  // namespace rtenv::remote
