#include "server/access.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "base/encoding.hpp"
#include "base/exceptions.hpp"
#include "base/log.hpp"

namespace rtenv::server {
namespace {

constexpr std::string_view k_bearer = "bearer ";
constexpr std::string_view k_cookie = "ray-authentication-token=";
constexpr std::array<const char*, 4> k_forwarded{"forwarded", "x-forwarded-for", "x-real-ip",
                                                 "via"};

// "[::1]:80" → "[::1]", "a:80" → "a"
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(0, host.find(']') + 1));
  return lower_ascii(host.substr(0, host.find(':')));
}

const std::string& this_machine() {
  // Never destroyed: the process may end while servers run.
  static const auto& name = *new std::string([] {
    std::array<char, HOST_NAME_MAX + 1> buffer{};
    ::gethostname(buffer.data(), buffer.size() - 1);
    return lower_ascii(buffer.data());
  }());
  return name;
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (::inet_pton(AF_INET, name.c_str(), address.data()) == 1) return true;
  return name.size() > 2 && name.starts_with('[') &&
         ::inet_pton(AF_INET6, name.substr(1, name.size() - 2).c_str(), address.data()) == 1;
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
  if (name == "localhost" || name == this_machine()) return true;
  // A page that rebinds a name has that name here, never an address.
  if (is_address(name)) return true;
  return std::ranges::find(hosts_, name) != hosts_.end();
}

std::variant<Caller, Response> Access::admit(const Request& request, const Peer& peer) const {
  const std::string_view host = request.header("host");
  if (!knows_host(host))
    return text_response(
        403, fmt::format("403: '{}' isn't a name of this server (whoever runs it can add names)",
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
  auto caller = identify(request, peer);
  const bool only_reads = request.method == "GET" || request.method == "HEAD";
  if (const auto* const known = std::get_if<Caller>(&caller);
      known != nullptr && known->right == Right::read && !only_reads)
    return text_response(403, fmt::format("Forbidden: '{}' may only read", known->name));
  return caller;
}

std::variant<Caller, Response> Access::identify(const Request& request, const Peer& peer) const {
  Credentials credentials{
      .method = request.method,
      .path = request.path,
      .address = peer.address,
      .uid = peer.uid,
      .token = given_token(request),
      .was_forwarded = std::ranges::any_of(
          k_forwarded, [&](const char* name) { return request.headers.contains(name); }),
      .is_sandboxed = peer.is_sandboxed};
  // Behind a proxy, everybody's requests come from the proxy's user.
  if (credentials.was_forwarded) credentials.uid.reset();
  auto answer = without_exceptions([&]() -> Result<std::variant<Caller, Refusal>> {
    return authenticator_->authenticate(credentials);
  });
  if (!answer) {
    log::warn("a request was refused, because authentication failed: {}", answer.error().message());
    return text_response(500, "500: this server can't find out now who sends the request");
  }
  if (auto* const caller = std::get_if<Caller>(&*answer)) return std::move(*caller);
  auto& refusal = std::get<Refusal>(*answer);
  if (refusal.reason == Refusal::Reason::forbidden)
    return text_response(403, std::move(refusal.message));
  Response response = text_response(401, std::move(refusal.message));
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace rtenv::server
