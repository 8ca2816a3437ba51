#include "remote/http.hpp"

#include <memory>
#include <optional>

#include "remote/curl_library.hpp"

namespace rtenv::remote {
namespace {

constexpr long k_connect_timeout_s = 20;
constexpr long k_max_redirects = 10;

struct Transfer {
  const CurlLibrary& curl;
  CURL* handle;
  const HttpRequest& request;
  const BodySink& sink;
  std::uint64_t received_bytes = 0;
  std::optional<Error> error;  // of the sink, or our own: why the transfer was stopped
};

bool is_success(long status) { return status >= 200 && status < 300; }

long status_of(const CurlLibrary& curl, CURL* handle) {
  long status = 0;
  curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_body(char* data, std::size_t, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  if (!is_success(status_of(transfer.curl, transfer.handle))) return count;  // the page that explains an error
  transfer.received_bytes += count;
  if (transfer.received_bytes > transfer.request.max_bytes) {
    transfer.error =
        Error(Errc::invalid_argument,
              fmt::format("{} is larger than {} bytes", redacted_url(transfer.request.url), transfer.request.max_bytes));
    return 0;
  }
  if (auto taken = transfer.sink(std::as_bytes(std::span(data, count))); !taken) {
    transfer.error = std::move(taken).error();
    return 0;
  }
  return count;
}

int on_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& request = static_cast<Transfer*>(context)->request;
  return request.cancellation != nullptr && request.cancellation->requested() ? 1 : 0;
}

std::string text_info(const CurlLibrary& curl, CURL* handle, CURLINFO what) {
  const char* text = nullptr;
  curl.easy_getinfo(handle, what, &text);
  return text != nullptr ? text : "";
}

Failure fail_status(long status, const std::string& shown) {
  const Errc code = status == 404 || status == 410   ? Errc::not_found
                    : status == 401 || status == 403 ? Errc::permission_denied
                                                     : Errc::unavailable;
  return fail(code, "{} answered with HTTP status {}", shown, status);
}

}  // namespace

Result<HttpResponse> http_get(const HttpRequest& request, const Environment& environment, const BodySink& sink) {
  RTENV_TRY(const CurlLibrary* library, curl_library());
  const CurlLibrary& curl = *library;
  const std::unique_ptr<CURL, decltype(curl.easy_cleanup)> owner(curl.easy_init(), curl.easy_cleanup);
  if (!owner) return fail(Errc::internal, "libcurl can't begin a transfer");
  CURL* const handle = owner.get();
  const std::string shown = redacted_url(request.url);

  curl_slist* raw_headers = nullptr;
  for (const std::string& header : request.headers) raw_headers = curl.slist_append(raw_headers, header.c_str());
  const std::unique_ptr<curl_slist, decltype(curl.slist_free_all)> headers(raw_headers, curl.slist_free_all);
  Transfer transfer{.curl = curl, .handle = handle, .request = request, .sink = sink, .error = std::nullopt};

  curl.easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl.easy_setopt(handle, CURLOPT_USERAGENT, "rtenv");
  curl.easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl.easy_setopt(handle, CURLOPT_MAXREDIRS, k_max_redirects);
  curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, k_connect_timeout_s);
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_limit.count()));
  curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl.easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl.easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  for (const char* variable : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"})
    if (const auto file = environment.find_filled(variable)) {
      curl.easy_setopt(handle, CURLOPT_CAINFO, std::string(*file).c_str());  // libcurl keeps a copy
      break;
    }

  const CURLcode code = curl.easy_perform(handle);
  if (transfer.error) return Failure(std::move(*transfer.error));
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(Errc::cancelled, "interrupted while fetching {}", shown);
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return fail(Errc::invalid_argument, "{} isn't an http or https URL", shown);
  if (code != CURLE_OK) return fail(Errc::unavailable, "cannot fetch {}: {}", shown, curl.easy_strerror(code));
  const long status = status_of(curl, handle);
  if (!is_success(status)) return fail_status(status, shown);
  return HttpResponse{.status = static_cast<int>(status),
                      .content_type = text_info(curl, handle, CURLINFO_CONTENT_TYPE),
                      .final_url = text_info(curl, handle, CURLINFO_EFFECTIVE_URL)};
}

std::string redacted_url(std::string_view url) {
  std::string shown(url.substr(0, url.find_first_of("?#")));
  if (shown.size() < url.size()) shown += url[shown.size()] == '?' ? "?…" : "";
  const auto scheme_end = shown.find("://");
  const auto authority = scheme_end == std::string::npos ? 0 : scheme_end + 3;
  const auto at = shown.substr(0, shown.find('/', authority)).rfind('@');
  if (at != std::string::npos && at >= authority) shown.replace(authority, at - authority, "…");
  return shown;
}

}  // namespace rtenv::remote
