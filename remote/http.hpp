// Requests over HTTP and HTTPS, through libcurl: proxies and CA certificates are taken from the
// usual environment variables (HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE, SSL_CERT_FILE,
// CURL_CA_BUNDLE). Connections are kept for the next request to the same host. A URL's user info
// and query string are secrets: messages show them as "…".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"

namespace rtenv::remote {

/// What libcurl signs a request with, as Amazon's Signature Version 4.
struct AwsSigning {
  std::string region;
  std::string service;
  std::string access_key_id;
  std::string secret_access_key;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  std::string body;       // where the status isn't 2xx: what explains it, cut at 64 KiB
  std::string final_url;  // after redirects; may hold secrets

  [[nodiscard]] bool succeeded() const noexcept { return status >= 200 && status < 300; }
  /// Empty where it isn't there.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::span<const std::byte> body;   // of a PUT or POST; must outlive the request
  /// Instead of `body`: fills the buffer, 0 at the end; read only once. Sent in chunks where its
  /// size isn't known.
  std::function<Result<std::size_t>(std::span<std::byte>)> body_stream;
  std::optional<std::uint64_t> body_stream_bytes;

  std::optional<AwsSigning> aws;
  std::string bearer;      // not sent on to another origin
  bool use_netrc = false;  // NETRC, else ~/.netrc; asked anew for each host
  bool follow_redirects = false;
  bool compressed = false;            // lets the server compress the body in transit
  bool ignores_cancellation = false;  // it cleans up after one
  std::uint64_t max_bytes = ~0ULL;
  /// Called last, before the request is sent: adds what signs it.
  std::function<void(HttpRequest&)> sign;
  /// Called before the first byte of a 2xx answer's body, so that a wrong answer is refused before
  /// it is used.
  std::function<Result<void>(const HttpResponse&)> check_answer;
};

using BodySink = std::function<Result<void>(std::span<const std::byte>)>;

/// Thread-safe: any number of requests at a time, each on a connection of its own.
class HttpClient {
 public:
  /// RTENV_NETWORK_TIMEOUT: seconds without a byte after which a transfer is given up; 30 where it
  /// isn't set.
  explicit HttpClient(Environment environment, const Cancellation* cancellation = nullptr);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One attempt; the body of a 2xx answer goes to `sink`, of any other into the response.
  /// Fails: unavailable (no connection, cut off, too slow: worth another attempt),
  /// permission_denied (a certificate), invalid_argument (not a URL, more than max_bytes),
  /// cancelled, and as the sink.
  Result<HttpResponse> stream(const HttpRequest& request, const BodySink& sink);

  /// As many attempts as make sense: again after a transport failure and the statuses 408, 429,
  /// 500, 502, 503, 504, never after another. The request is made anew for each, since a signature
  /// holds the time. The last answer is returned, whatever its status, with its whole body.
  Result<HttpResponse> send(const std::function<Result<HttpRequest>()>& make_request);

  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return cancellation_; }

 private:
  struct Handle;
  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  Environment environment_;
  const Cancellation* cancellation_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

/// Worth another attempt.
bool is_transient_status(int status) noexcept;

/// GETs, with redirects and several attempts until the first byte has come.
/// Fails: not_found (404, 410), permission_denied (401, 403), unavailable (other statuses), and as
/// HttpClient::stream.
Result<HttpResponse> http_get(HttpClient& client, const HttpRequest& request, const BodySink& sink);

/// What a failed request to `shown` means: by its status alone, `reason` in the message where there
/// is one.
Failure fail_status(int status, std::string_view shown, std::string_view reason = {});

}  // namespace rtenv::remote
