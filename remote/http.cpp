#include "remote/http.hpp"

#include "base/redact.hpp"
#include "remote/curl_handle.hpp"
#include "remote/redirect.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {
namespace {

constexpr int k_max_redirects = 10;
constexpr std::size_t k_max_idle_handles = 16;

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
  TransferTimes times{.limits = limits_, .deadline = deadline_, .rate = RateWatch(limits_)};
  for (int redirects = 0;; ++redirects) {
    RTENV_TRY(auto response, handle->perform(hop, sink, environment_, times,
                                             hop.cleans_up ? nullptr : cancellation_));
    if (!follows_redirects(request) || !is_redirect(response.status)) {
      release(std::move(handle));
      return response;
    }
    if (redirects == k_max_redirects)
      return fail(Errc::invalid_argument, "{} redirects more than {} times",
                  redacted_url(request.url), k_max_redirects);
    RTENV_TRY(hop, redirected(hop, response.header("location")));
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
    if (response && response->succeeded()) {
      response->body = std::move(body);
      if (request->take_document)
        if (auto taken = request->take_document(*response); !taken)
          response = Failure(std::move(taken).error());
    }
    auto setback = setback_of(response);
    if (request->cleans_up) setback.reset();
    return {std::move(response), std::move(setback)};
  });
}

}  // namespace rtenv::remote
