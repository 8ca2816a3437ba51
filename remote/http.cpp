#include "remote/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/redact.hpp"
#include "remote/curl_handle.hpp"
#include "remote/redirect.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

constexpr int k_max_redirects = 10;
constexpr std::size_t k_max_idle_handles = 16;

// A number of seconds or a date (RFC 9110, 10.2.3).
std::optional<std::chrono::seconds> retry_after(const HttpResponse& response) {
  const std::string text(response.header("retry-after"));
  if (const auto date_s = parse_timestamp(text)) {
    const auto now_s = parse_timestamp(std::string(response.header("date")));
    return std::chrono::seconds(
        std::max<std::int64_t>(*date_s - now_s.value_or(std::time(nullptr)), 0));
  }
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) return std::chrono::seconds::max() / 1000;
  if (error != std::errc()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

HttpClient::HttpClient(Environment environment, const Cancellation* cancellation)
    : environment_(std::move(environment)),
      limits_(transfer_limits(environment_).value_or(TransferLimits())),
      deadline_(Retry::Clock::now() + limits_.total),
      cancellation_(cancellation) {}

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
    RTENV_TRY(auto response, handle->perform(hop, sink, environment_, {limits_, deadline_},
                                             hop.cleans_up ? nullptr : cancellation_));
    if (!follows_redirects(request) || !is_redirect(response.status)) {
      release(std::move(handle));
      return response;
    }
    const std::string next = handle->redirect_url();
    if (next.empty())
      return fail(Errc::unavailable, "{} redirects without a target", redacted_url(hop.url));
    if (redirects == k_max_redirects)
      return fail(Errc::unavailable, "{} redirects more than {} times", redacted_url(request.url),
                  k_max_redirects);
    RTENV_TRY(hop, redirected(hop, next));
  }
}

Result<HttpResponse> HttpClient::send(const std::function<Result<HttpRequest>()>& make_request) {
  return retry().run([&]() -> Attempt<HttpResponse> {
    const auto request = make_request();
    if (!request) return {Failure(request.error())};
    std::string body;
    auto response = stream(*request, [&](std::span<const std::byte> data) -> Result<void> {
      body.append(reinterpret_cast<const char*>(data.data()), data.size());
      return {};
    });
    auto setback = setback_of(response);
    if (request->cleans_up) setback.reset();
    if (response && response->succeeded()) response->body = std::move(body);
    return {std::move(response), std::move(setback)};
  });
}

bool is_transient_status(int status) noexcept {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

std::optional<Setback> setback_of(const Result<HttpResponse>& outcome) {
  if (!outcome && outcome.error().code() == Errc::unavailable)
    return Setback{outcome.error().message(), std::nullopt};
  if (!outcome || !is_transient_status(outcome->status)) return std::nullopt;
  return Setback{fail_status(outcome->status, redacted_url(outcome->final_url)).value().message(),
                 retry_after(*outcome)};
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

}  // namespace rtenv::remote
