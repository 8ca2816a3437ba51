// Downloads over HTTP and HTTPS, through libcurl: redirects followed, proxies and CA certificates taken from the usual
// environment variables (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, CURL_CA_BUNDLE).
// A URL's user info and query string are secrets: messages show them as "…".
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"

namespace rtenv::remote {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::uint64_t max_bytes = 1ULL << 30U;
  std::chrono::seconds stall_limit{30};  // no data for so long: given up
  const Cancellation* cancellation = nullptr;
};

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string final_url;  // after redirects
};

using BodySink = std::function<Result<void>(std::span<const std::byte>)>;

/// GETs; the body of a 2xx answer goes to `sink`.
/// Fails: not_found (404, 410), permission_denied (401, 403), unavailable (no connection, 5xx, other statuses),
/// invalid_argument (a URL that isn't one), cancelled, and as the sink.
Result<HttpResponse> http_get(const HttpRequest& request, const Environment& environment, const BodySink& sink);

/// The URL for people: without user info, with "?…" for a query string.
std::string redacted_url(std::string_view url);

}  // namespace rtenv::remote
