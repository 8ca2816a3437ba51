// Requests over HTTP and HTTPS, through libcurl. Proxies and CA certificates are taken from the
// usual environment variables (HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE, SSL_CERT_FILE,
// CURL_CA_BUNDLE). Connections are reused for later requests to the same host. A URL's user info
// and query string are secrets: messages show them as "…". Credentials are sent to the scheme, host
// and port that they were given for, and to no other.
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
#include "remote/retry.hpp"

namespace rtenv::remote {

class CurlHandle;

/// Parameters with which libcurl signs a request (AWS Signature Version 4).
struct AwsSigning {
  std::string region;
  std::string service;
  std::string access_key_id;
  std::string secret_access_key;
};

/// What a request may reach. Cloud machines have their metadata, and with it credentials, at known
/// addresses.
enum class Destination : std::uint8_t {
  network,   // anything but these addresses, under whatever name
  metadata,  // also these; through no proxy, and redirects aren't followed
};

/// Whose logins in NETRC, else ~/.netrc, a request may use: that file knows no schemes and ports.
enum class Netrc : std::uint8_t {
  unused,
  any_entry,    // also "default"
  named_entry,  // only "machine HOST"
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  std::string body;       // only if the status isn't 2xx; at most 16 KiB
  std::string final_url;  // after redirects; may hold secrets

  [[nodiscard]] bool succeeded() const noexcept { return status >= 200 && status < 300; }
  /// Empty if there is no such header.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Of a response that isn't an object: a page of a listing has at most some MiB.
inline constexpr std::uint64_t k_max_document_bytes = 32ULL << 20U;

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string unix_socket;           // connects there; empty: to the URL's host
  std::vector<std::string> headers;  // "Name: value"
  std::span<const std::byte> body;   // of a PUT or POST; must outlive the request
  /// Instead of `body`: fills the buffer and returns the number of bytes, 0 at the end; read only
  /// once. Sent in chunks if its size isn't known.
  std::function<Result<std::size_t>(std::span<std::byte>)> body_stream;
  std::optional<std::uint64_t> body_stream_bytes;

  std::optional<AwsSigning> aws;
  std::string bearer;
  Netrc netrc = Netrc::unused;
  Destination destination = Destination::network;
  bool follow_redirects = false;      // of GET and HEAD: see remote/redirect.hpp
  bool compressed = false;            // lets the server compress the body in transit
  bool cleans_up = false;             // isn't cancelled, but has 2 s and one attempt
  std::chrono::seconds work_time{0};  // how long the server may be silent; 0: as any other
  std::uint64_t max_bytes = k_max_document_bytes;  // of a 2xx response's body
  /// Called last, before the request is sent: adds the signature.
  std::function<void(HttpRequest&)> sign;
  /// Called before the first byte of a 2xx response's body reaches the sink; if it fails, the
  /// request fails.
  std::function<Result<void>(const HttpResponse&)> check_response;
  /// Of `send`: takes a 2xx response with its whole body. If it fails with unavailable, since the
  /// body is incomplete, the request is sent again. It may change the status, if the body is that
  /// of an error: that counts.
  std::function<Result<void>(HttpResponse&)> take_document;
};

using BodySink = std::function<Result<void>(std::span<const std::byte>)>;

/// Thread-safe: any number of requests at a time, each on a connection of its own.
class HttpClient {
 public:
  /// Its deadline begins now (see TransferLimits; of malformed variables, the defaults count).
  /// `cancellation` may be null; otherwise it must outlive the client.
  explicit HttpClient(Environment environment, const Cancellation* cancellation = nullptr);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One attempt, redirects included: all of its bytes count for the least rate. The body of a 2xx
  /// response goes to `sink`. Any other one, in which a server explains itself, goes into the
  /// response, as far as it arrives within 5 s: then the connection is closed.
  /// A 2xx response before the end of the request's body isn't a success.
  /// Fails: unavailable (no connection, cut off, too slow: worth a retry), permission_denied (an
  /// untrusted certificate, a metadata address, a redirect from https to http, a proxy that
  /// refuses), invalid_argument (not a URL, a host that doesn't exist, a header with a line break,
  /// more than max_bytes or 256 KiB of headers, more than 10 redirects), not_found (no libcurl),
  /// internal, cancelled, and as the sink, the body stream and check_response.
  Result<HttpResponse> stream(const HttpRequest& request, const BodySink& sink);

  /// Retries after transport failures and transient statuses (see Retry). Each attempt makes the
  /// request again, since a signature contains the time. Returns the last response, whatever its
  /// status, with its whole body. Fails: as stream, take_document and `make_request`.
  Result<HttpResponse> send(const std::function<Result<HttpRequest>()>& make_request);

  /// For the attempts of one request.
  [[nodiscard]] Retry retry() const { return {limits_, deadline_, cancellation_}; }

  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return cancellation_; }

 private:
  Result<std::unique_ptr<CurlHandle>> acquire();
  void release(std::unique_ptr<CurlHandle> handle);

  Environment environment_;
  TransferLimits limits_;
  Retry::Clock::time_point deadline_;
  const Cancellation* cancellation_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CurlHandle>> idle_;
};

}  // namespace rtenv::remote
