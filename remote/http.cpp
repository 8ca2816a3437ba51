#include "remote/http.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/redact.hpp"
#include "remote/backoff.hpp"
#include "remote/curl_handle.hpp"
#include "remote/redirect.hpp"

namespace rtenv::remote {
namespace {

constexpr int k_max_redirects = 10;
constexpr std::size_t k_max_idle_handles = 16;

std::optional<std::chrono::seconds> retry_after(const HttpResponse& response) {
  const auto text = response.header("retry-after");
  unsigned seconds = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc())
    return std::nullopt;
  return std::chrono::seconds(seconds);
}

// True after a pause, if the outcome is worth a retry and attempts are left. Fails: cancelled.
Result<bool> pause_before_retry(Backoff& backoff, const Result<HttpResponse>& outcome) {
  if (!outcome)
    return outcome.error().code() == Errc::unavailable ? backoff.pause() : Result<bool>(false);
  return is_transient_status(outcome->status) ? backoff.pause(retry_after(*outcome))
                                              : Result<bool>(false);
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

HttpClient::HttpClient(Environment environment, const Cancellation* cancellation)
    : environment_(std::move(environment)), cancellation_(cancellation) {}

HttpClient::~HttpClient() = default;

Result<std::unique_ptr<CurlHandle>> HttpClient::acquire() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return CurlHandle::create();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::release(std::unique_ptr<CurlHandle> handle) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < k_max_idle_handles) idle_.push_back(std::move(handle));
}

Result<HttpResponse> HttpClient::stream(const HttpRequest& request, const BodySink& sink) {
  RTENV_TRY(auto handle, acquire());
  HttpRequest hop = request;
  if (hop.sign) hop.sign(hop);
  for (int redirects = 0;; ++redirects) {
    RTENV_TRY(auto response, handle->perform(hop, sink, environment_,
                                             hop.ignores_cancellation ? nullptr : cancellation_));
    if (!request.follow_redirects || !is_redirect(response.status)) {
      release(std::move(handle));
      return response;
    }
    std::string next = handle->redirect_url();
    if (next.empty())
      return fail(Errc::unavailable, "{} redirects without a target", redacted_url(hop.url));
    if (redirects == k_max_redirects)
      return fail(Errc::unavailable, "{} redirects more than {} times", redacted_url(request.url),
                  k_max_redirects);
    follow_redirect(hop, std::move(next));
  }
}

Result<HttpResponse> HttpClient::send(const std::function<Result<HttpRequest>()>& make_request) {
  Backoff backoff(cancellation_);
  for (;;) {
    RTENV_TRY(const HttpRequest request, make_request());
    std::string body;
    auto response = stream(request, [&](std::span<const std::byte> data) -> Result<void> {
      body.append(reinterpret_cast<const char*>(data.data()), data.size());
      return {};
    });
    RTENV_TRY(const bool again, pause_before_retry(backoff, response));
    if (again) continue;
    if (response && response->succeeded()) response->body = std::move(body);
    return response;
  }
}

bool is_transient_status(int status) noexcept {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

Failure fail_status(int status, std::string_view shown, std::string_view reason) {
  const bool missing = status == 404 || status == 410;
  const bool refused = status == 401 || status == 403 || status == 407;
  const Errc code = missing                          ? Errc::not_found
                    : refused                        ? Errc::permission_denied
                    : status == 413 || status == 507 ? Errc::out_of_space
                    : status >= 400 && status < 500 && !is_transient_status(status)
                        ? Errc::invalid_argument
                        : Errc::unavailable;
  if (reason.empty()) return fail(code, "{} returned HTTP status {}", shown, status);
  return fail(code, "{}: {} (HTTP status {})", shown, reason, status);
}

Result<HttpResponse> http_get(HttpClient& client, const HttpRequest& request,
                              const BodySink& sink) {
  Backoff backoff(client.cancellation());
  for (;;) {
    bool begun = false;
    auto response = client.stream(request, [&](std::span<const std::byte> data) {
      begun = true;
      return sink(data);
    });
    if (!begun) {
      RTENV_TRY(const bool again, pause_before_retry(backoff, response));
      if (again) continue;
    }
    if (response && !response->succeeded())
      return fail_status(response->status, redacted_url(request.url));
    return response;
  }
}

}  // namespace rtenv::remote
