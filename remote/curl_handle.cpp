#include "remote/curl_handle.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/metadata_address.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

constexpr std::size_t k_max_explanation_bytes = 64U << 10U;
constexpr int k_max_wait_ms = 1000;  // libcurl's own timers end the wait sooner

struct Transfer {
  const CurlLibrary& curl;
  CURL* handle;
  const HttpRequest& request;
  const BodySink& sink;
  HttpResponse response;
  std::size_t sent_bytes = 0;  // of request.body
  std::uint64_t received_bytes = 0;
  std::optional<Error> error;  // set by a callback that stopped the transfer

  [[nodiscard]] int status() const {
    long status = 0;
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }
};

Transfer& transfer_of(void* context) { return *static_cast<Transfer*>(context); }

std::size_t on_header(char* data, std::size_t, std::size_t count, void* context) {
  Transfer& transfer = transfer_of(context);
  const std::string_view line = trim_end(std::string_view(data, count), "\r\n");
  if (line.starts_with("HTTP/")) {  // a new response, after an interim one ("100 Continue")
    transfer.response.headers.clear();
    return count;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  transfer.response.headers.insert_or_assign(lower_ascii(line.substr(0, colon)),
                                             std::string(trim(line.substr(colon + 1), " \t")));
  return count;
}

Result<void> accept_body(Transfer& transfer, std::span<const std::byte> data) {
  const HttpRequest& request = transfer.request;
  if (transfer.received_bytes == 0 && request.check_response)
    RTENV_TRY(request.check_response(transfer.response));
  transfer.received_bytes += data.size();
  if (transfer.received_bytes > request.max_bytes)
    return fail(Errc::invalid_argument, "{} is larger than {} bytes", redacted_url(request.url),
                request.max_bytes);
  return transfer.sink(data);
}

std::size_t on_body(char* data, std::size_t, std::size_t count, void* context) {
  Transfer& transfer = transfer_of(context);
  HttpResponse& response = transfer.response;
  response.status = transfer.status();
  if (!response.succeeded()) {
    response.body.append(data, std::min(count, k_max_explanation_bytes - response.body.size()));
    return count;
  }
  auto accepted = accept_body(transfer, std::as_bytes(std::span(data, count)));
  if (accepted) return count;
  transfer.error = std::move(accepted).error();
  return 0;
}

std::size_t on_send(char* buffer, std::size_t, std::size_t room, void* context) {
  Transfer& transfer = transfer_of(context);
  const HttpRequest& request = transfer.request;
  if (request.body_stream) {
    auto filled = request.body_stream(std::as_writable_bytes(std::span(buffer, room)));
    if (filled) return *filled;
    transfer.error = std::move(filled).error();
    return CURL_READFUNC_ABORT;
  }
  const std::size_t count = std::min(room, request.body.size() - transfer.sent_bytes);
  if (count != 0) std::memcpy(buffer, request.body.data() + transfer.sent_bytes, count);
  transfer.sent_bytes += count;
  return count;
}

// If a reused connection turns out to be dead, libcurl opens another one and sends the body from
// its beginning.
int on_rewind(void* context, curl_off_t offset, int origin) {
  Transfer& transfer = transfer_of(context);
  if (origin != SEEK_SET || transfer.request.body_stream) return CURL_SEEKFUNC_CANTSEEK;
  transfer.sent_bytes = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Failure fail_metadata(const std::string& url) {
  return fail(Errc::permission_denied,
              "{} leads to this machine's metadata service, which rtenv asks for credentials only",
              redacted_url(url));
}

// Sees the address that is connected to, whatever name or proxy led to it.
curl_socket_t on_open_socket(void* context, curlsocktype, curl_sockaddr* address) {
  Transfer& transfer = transfer_of(context);
  if (transfer.request.destination == Destination::network && is_metadata_address(address->addr)) {
    transfer.error = fail_metadata(transfer.request.url).value();
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// Fails before anything is sent: permission_denied, invalid_argument, not_found.
Result<void> check_request(const HttpRequest& request, const Environment& environment) {
  RTENV_TRY(const Url url, Url::parse(request.url));
  if (request.destination == Destination::network && is_metadata_host(url.origin.host))
    return fail_metadata(request.url);
  const auto has_line_break = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
  };
  if (has_line_break(request.bearer) || std::ranges::any_of(request.headers, has_line_break) ||
      has_line_break(user_agent(environment)))
    return fail(Errc::invalid_argument, "a header for {} has a line break",
                redacted_url(request.url));
  return {};
}

void set_callbacks(Transfer& transfer) {
  const auto set = [&](CURLoption option, auto value) {
    transfer.curl.easy_setopt(transfer.handle, option, value);
  };
  set(CURLOPT_HEADERFUNCTION, &on_header);
  set(CURLOPT_HEADERDATA, &transfer);
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_WRITEDATA, &transfer);
  set(CURLOPT_READFUNCTION, &on_send);
  set(CURLOPT_READDATA, &transfer);
  set(CURLOPT_SEEKFUNCTION, &on_rewind);
  set(CURLOPT_SEEKDATA, &transfer);
  set(CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  set(CURLOPT_OPENSOCKETDATA, &transfer);
}

Failure fail_in_time(const Transfer& transfer, const TransferTimes& times,
                     const std::string& shown) {
  if (times.are_over())
    return fail(Errc::unavailable, "{} took longer than {} s", shown, times.limits.total.count())
        .hint("RTENV_NETWORK_DEADLINE sets a longer time, in seconds");
  if (transfer.received_bytes == 0)
    return fail(Errc::unavailable, "{} didn't respond in time", shown);
  return fail(Errc::unavailable, "{} was slower than {} bytes per second for {} s", shown,
              times.limits.min_bytes_per_second, times.limits.timeout.count());
}

Failure fail_transport(const Transfer& transfer, CURLcode code, const TransferTimes& times,
                       const std::string& shown) {
  const CurlLibrary& curl = transfer.curl;
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return fail(Errc::cancelled, "interrupted while talking to {}", shown);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Errc::permission_denied, "the server of {} isn't trusted: {}", shown,
                  curl.easy_strerror(code))
          .hint("set SSL_CERT_FILE to the certificate of its certificate authority");
    case CURLE_PARTIAL_FILE: return fail(Errc::unavailable, "{} was cut off", shown);
    case CURLE_OPERATION_TIMEDOUT: return fail_in_time(transfer, times, shown);
    default: return fail(Errc::unavailable, "cannot reach {}: {}", shown, curl.easy_strerror(code));
  }
}

}  // namespace

Result<std::unique_ptr<CurlHandle>> CurlHandle::create() {
  RTENV_TRY(const CurlLibrary* curl, curl_library());
  std::unique_ptr<CurlHandle> handle(new CurlHandle(*curl, curl->easy_init(), curl->multi_init()));
  if (handle->easy_ == nullptr || handle->multi_ == nullptr)
    return fail(Errc::internal, "libcurl can't begin a transfer");
  return handle;
}

CurlHandle::~CurlHandle() {
  if (easy_ != nullptr) curl_.easy_cleanup(easy_);
  if (multi_ != nullptr) curl_.multi_cleanup(multi_);
}

CURLcode CurlHandle::run(const Cancellation* cancellation) {
  curl_waitfd stop{.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                   .events = CURL_WAIT_POLLIN,
                   .revents = 0};
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  curl_.multi_add_handle(multi_, easy_);
  while (cancellation == nullptr || !cancellation->requested()) {
    int running = 0;
    if (curl_.multi_perform(multi_, &running) != CURLM_OK) {
      result = CURLE_FAILED_INIT;
      break;
    }
    int left = 0;
    if (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      result = message->data.result;
      break;
    }
    curl_.multi_poll(multi_, &stop, cancellation != nullptr ? 1 : 0, k_max_wait_ms, nullptr);
  }
  curl_.multi_remove_handle(multi_, easy_);
  return result;
}

Result<HttpResponse> CurlHandle::perform(const HttpRequest& request, const BodySink& sink,
                                         const Environment& environment, const TransferTimes& times,
                                         const Cancellation* cancellation) {
  RTENV_TRY(check_request(request, environment));
  curl_.easy_reset(easy_);  // connections stay open
  Transfer transfer{.curl = curl_,
                    .handle = easy_,
                    .request = request,
                    .sink = sink,
                    .response = {},
                    .error = std::nullopt};
  set_curl_options(curl_, easy_, request, environment, times);
  set_callbacks(transfer);
  curl_slist* raw_headers = nullptr;
  for (const std::string& header : request.headers)
    raw_headers = curl_.slist_append(raw_headers, header.c_str());
  const std::unique_ptr<curl_slist, decltype(CurlLibrary::slist_free_all)> headers(
      raw_headers, curl_.slist_free_all);
  curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = run(cancellation);
  const std::string shown = redacted_url(request.url);
  if (transfer.error) return Failure(std::move(*transfer.error));
  transfer.response.status = transfer.status();
  // A server may refuse a request before it has received the whole body.
  const bool refused_early = code == CURLE_SEND_ERROR && transfer.response.status >= 400;
  if (code != CURLE_OK && !refused_early) {
    log::debug("{} {}: {}", request.method, shown, curl_.easy_strerror(code));
    return fail_transport(transfer, code, times, shown);
  }
  log::debug("{} {}: {}", request.method, shown, transfer.response.status);
  transfer.response.final_url = request.url;
  return std::move(transfer.response);
}

std::string CurlHandle::redirect_url() const {
  const char* url = nullptr;
  curl_.easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &url);
  return url != nullptr ? url : "";
}

}  // namespace rtenv::remote
