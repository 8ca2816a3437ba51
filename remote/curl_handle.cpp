#include "remote/curl_handle.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "base/decimal.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/host_lookup.hpp"
#include "remote/metadata_address.hpp"
#include "remote/transfer_error.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

// What a server says about a response that isn't 2xx is helpful, but not waited for.
constexpr std::size_t k_max_explanation_bytes = 16U << 10U;
constexpr std::chrono::milliseconds k_max_explanation_time{5000};
constexpr int k_explanations_per_window = 4;
constexpr std::size_t k_max_header_bytes = 256U << 10U;
constexpr int k_max_wait_ms = 250;  // libcurl's own timers end the wait sooner

struct Transfer {
  const CurlLibrary& curl;
  CURL* handle;
  const HttpRequest& request;
  const BodySink& sink;
  TransferTimes& times;
  HttpResponse response;
  std::uint64_t read_bytes = 0;  // of the request's body, by libcurl
  bool stream_ended = false;     // request.body_stream
  std::uint64_t received_bytes = 0;
  std::size_t header_bytes = 0;
  std::uint64_t counted_bytes = 0;                        // by times.rate
  std::optional<Retry::Clock::time_point> explains_from;  // the response isn't 2xx: its body begins
  std::optional<Error> error;  // set by a callback that stopped the transfer

  [[nodiscard]] int status() const {
    long status = 0;
    curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
  }

  // Of a PUT or POST. A server may respond, and close the connection, before.
  [[nodiscard]] bool body_was_sent() const {
    if (request.method != "PUT" && request.method != "POST") return true;
    curl_off_t sent = 0;
    curl.easy_getinfo(handle, CURLINFO_SIZE_UPLOAD_T, &sent);
    const auto sent_bytes = static_cast<std::uint64_t>(sent);  // chunks have headers, too
    if (!request.body_stream) return sent_bytes >= request.body.size();
    if (request.body_stream_bytes) return sent_bytes >= *request.body_stream_bytes;
    return stream_ended && sent_bytes >= read_bytes;
  }

  // Of all kinds, in both directions.
  [[nodiscard]] std::uint64_t bytes() const {
    curl_off_t sent = 0;
    curl_off_t received = 0;
    long headers = 0;
    curl.easy_getinfo(handle, CURLINFO_SIZE_UPLOAD_T, &sent);
    curl.easy_getinfo(handle, CURLINFO_SIZE_DOWNLOAD_T, &received);
    curl.easy_getinfo(handle, CURLINFO_HEADER_SIZE, &headers);
    return static_cast<std::uint64_t>(sent) + static_cast<std::uint64_t>(received) +
           static_cast<std::uint64_t>(headers);
  }

  // How the transfer is to end now, if it is: every response of every request goes through here.
  std::optional<CURLcode> end() {
    const auto now = Retry::Clock::now();
    const std::uint64_t total = bytes();
    times.rate.add(total - std::min(counted_bytes, total), now);
    counted_bytes = total;
    const auto explanation_time = std::min<std::chrono::milliseconds>(
        k_max_explanation_time,
        std::chrono::milliseconds(times.limits.timeout) / k_explanations_per_window);
    if (explains_from && now - *explains_from >= explanation_time) return CURLE_OK;
    // Its time is limited as a whole.
    if (request.work_time.count() == 0 && times.rate.is_too_slow(now))
      return CURLE_OPERATION_TIMEDOUT;
    return std::nullopt;
  }
};

// Takes the time that the caller's part of the transfer takes from that of the server.
template <class Call>
auto untimed(Transfer& transfer, const Call& call) {
  const auto begin = Retry::Clock::now();
  auto result = call();
  transfer.times.rate.exclude(Retry::Clock::now() - begin);
  return result;
}

Transfer& transfer_of(void* context) { return *static_cast<Transfer*>(context); }

std::size_t on_header(char* data, std::size_t, std::size_t count, void* context) {
  Transfer& transfer = transfer_of(context);
  transfer.times.rate.begin_response(Retry::Clock::now());
  transfer.header_bytes += count;
  if (transfer.header_bytes > k_max_header_bytes) {
    transfer.error = fail(Errc::invalid_argument, "{} has more than {} bytes of headers",
                          redacted_url(transfer.request.url), k_max_header_bytes);
    return 0;
  }
  const std::string_view line = trim_end(std::string_view(data, count), "\r\n");
  if (line.starts_with("HTTP/")) {  // a new response, after an interim one ("100 Continue")
    transfer.response.headers.clear();
    return count;
  }
  if (line.empty() && transfer.status() >= 300) transfer.explains_from = Retry::Clock::now();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  const std::string name = lower_ascii(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1), " \t");
  transfer.response.headers.insert_or_assign(name, std::string(value));
  // libcurl ignores a length that doesn't fit: whatever arrives would be the whole.
  constexpr std::uint64_t k_max_length = std::numeric_limits<curl_off_t>::max();
  if (name != "content-length" || parse_decimal(value).value_or(~0ULL) <= k_max_length)
    return count;
  transfer.error = fail(Errc::invalid_argument, "{}: '{}' isn't a Content-Length",
                        redacted_url(transfer.request.url), value);
  return 0;
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
    const std::size_t room = k_max_explanation_bytes - response.body.size();
    response.body.append(data, std::min(count, room));
    return count <= room ? count : 0;
  }
  auto accepted = untimed(
      transfer, [&] { return accept_body(transfer, std::as_bytes(std::span(data, count))); });
  if (accepted) return count;
  transfer.error = std::move(accepted).error();
  return 0;
}

std::size_t on_send(char* buffer, std::size_t, std::size_t room, void* context) {
  Transfer& transfer = transfer_of(context);
  const HttpRequest& request = transfer.request;
  if (request.body_stream) {
    auto filled = untimed(transfer, [&] {
      return request.body_stream(std::as_writable_bytes(std::span(buffer, room)));
    });
    if (filled) {
      transfer.stream_ended = *filled == 0;
      transfer.read_bytes += *filled;
      return *filled;
    }
    transfer.error = std::move(filled).error();
    return CURL_READFUNC_ABORT;
  }
  const std::size_t count = std::min(room, request.body.size() - transfer.read_bytes);
  if (count != 0) std::memcpy(buffer, request.body.data() + transfer.read_bytes, count);
  transfer.read_bytes += count;
  return count;
}

// If a reused connection turns out to be dead, libcurl opens another one and sends the body from
// its beginning.
int on_rewind(void* context, curl_off_t offset, int origin) {
  Transfer& transfer = transfer_of(context);
  if (origin != SEEK_SET || transfer.request.body_stream) return CURL_SEEKFUNC_CANTSEEK;
  transfer.read_bytes = static_cast<std::uint64_t>(offset);
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
    transfer.error = fail_metadata(transfer.request.url);
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

Failure fail_in_time(const Transfer& transfer, const std::string& shown) {
  const TransferTimes& times = transfer.times;
  if (times.are_over())
    return fail(Errc::unavailable, "{} took longer than {} s", shown, times.limits.total.count())
        .hint("RTENV_NETWORK_DEADLINE sets a longer time, in seconds");
  if (transfer.received_bytes == 0)
    return fail(Errc::unavailable, "{} didn't respond in time", shown);
  return fail(Errc::unavailable, "{} was slower than {} bytes per second for {} s", shown,
              times.limits.min_bytes_per_second, times.limits.timeout.count());
}

Failure fail_unknown_host(const std::string& host, const std::string& shown) {
  return fail(Errc::invalid_argument, "cannot reach {}: there is no host {}", shown, host)
      .hint("check the name");
}

Failure fail_transport(const Transfer& transfer, CURLcode code, std::string_view detail,
                       const std::string& shown) {
  const CurlLibrary& curl = transfer.curl;
  long proxy_status = 0;
  curl.easy_getinfo(transfer.handle, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  if (proxy_status >= 400)
    return fail_status(static_cast<int>(proxy_status), fmt::format("the proxy for {}", shown));
  if (code == CURLE_OPERATION_TIMEDOUT) return fail_in_time(transfer, shown);
  if (code == CURLE_PARTIAL_FILE) return fail(Errc::unavailable, "{} was cut off", shown);
  const Errc errc = errc_of_curl(code, detail);
  if (errc == Errc::cancelled) return fail(errc, "interrupted while talking to {}", shown);
  if (errc == Errc::permission_denied)
    return fail(errc, "the server of {} isn't trusted: {}", shown, curl.easy_strerror(code))
        .hint("set SSL_CERT_FILE to the certificate of its certificate authority");
  if (errc == Errc::invalid_argument)
    return fail(errc, "{} can't be read: {}", shown,
                detail.empty() ? curl.easy_strerror(code) : detail)
        .hint("check the URL: its scheme (http or https) and its port");
  return fail(errc, "cannot reach {}: {}", shown, curl.easy_strerror(code));
}

}  // namespace

Result<std::unique_ptr<CurlHandle>> CurlHandle::create() {
  RTENV_TRY(const CurlLibrary* curl, curl_library());
  std::unique_ptr<CurlHandle> handle(new CurlHandle(*curl, curl->easy_init(), curl->multi_init()));
  if (handle->easy_ == nullptr || handle->multi_ == nullptr)
    return fail(Errc::unavailable,
                "libcurl can't begin a transfer: out of memory or file descriptors");
  return handle;
}

CurlHandle::~CurlHandle() {
  if (easy_ != nullptr) curl_.easy_cleanup(easy_);
  if (multi_ != nullptr) curl_.multi_cleanup(multi_);
}

CURLcode CurlHandle::run(const Cancellation* cancellation,
                         const std::function<std::optional<CURLcode>()>& end) {
  curl_waitfd stop{.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                   .events = CURL_WAIT_POLLIN,
                   .revents = 0};
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  CURLMcode status = curl_.multi_add_handle(multi_, easy_);
  while (status == CURLM_OK && (cancellation == nullptr || !cancellation->requested())) {
    int running = 0;
    status = curl_.multi_perform(multi_, &running);
    if (status != CURLM_OK) break;
    int left = 0;
    if (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
      result = message->data.result;
      break;
    }
    if (const auto ended = end()) {
      result = *ended;
      break;
    }
    // It would never end.
    if (running == 0) status = CURLM_INTERNAL_ERROR;
    if (status == CURLM_OK)
      status =
          curl_.multi_poll(multi_, &stop, cancellation != nullptr ? 1 : 0, k_max_wait_ms, nullptr);
  }
  curl_.multi_remove_handle(multi_, easy_);
  if (status == CURLM_OK) return result;
  return status == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

Result<HttpResponse> CurlHandle::perform(const HttpRequest& request, const BodySink& sink,
                                         const Environment& environment, TransferTimes& times,
                                         const Cancellation* cancellation) {
  RTENV_TRY(check_request(request, environment));
  curl_.easy_reset(easy_);  // connections stay open
  Transfer transfer{.curl = curl_,
                    .handle = easy_,
                    .request = request,
                    .sink = sink,
                    .times = times,
                    .response = {},
                    .explains_from = std::nullopt,
                    .error = std::nullopt};
  RTENV_TRY(set_curl_options(curl_, easy_, request, environment, times));
  set_callbacks(transfer);
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_.easy_setopt(easy_, CURLOPT_ERRORBUFFER, detail.data());
  std::unique_ptr<curl_slist, decltype(CurlLibrary::slist_free_all)> headers(nullptr,
                                                                             curl_.slist_free_all);
  for (const std::string& header : request.headers) {
    curl_slist* const longer = curl_.slist_append(headers.get(), header.c_str());
    if (longer == nullptr)
      return fail(Errc::unavailable, "libcurl can't begin a transfer: out of memory");
    if (!headers) headers.reset(longer);  // others were added to it
  }
  curl_.easy_setopt(easy_, CURLOPT_HTTPHEADER, headers.get());

  const CURLcode code = run(cancellation, [&] { return transfer.end(); });
  curl_.easy_setopt(easy_, CURLOPT_ERRORBUFFER, nullptr);
  const std::string shown = redacted_url(request.url);
  if (transfer.error) return Failure(std::move(*transfer.error));
  transfer.response.status = transfer.status();
  // A server may refuse a request before it has received the whole body.
  const bool refused_early = code == CURLE_SEND_ERROR && transfer.response.status >= 400;
  // A refusal is one, however much of the explanation arrived.
  const bool refused = transfer.explains_from && code != CURLE_ABORTED_BY_CALLBACK;
  if (code != CURLE_OK && !refused_early && !refused) {
    log::debug("{} {}: {}", request.method, shown, curl_.easy_strerror(code));
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
      const std::string host = Url::parse(request.url)->origin.host;
      if (host_is_unknown(host, cancellation)) return fail_unknown_host(host, shown);
    }
    return fail_transport(transfer, code, detail.data(), shown);
  }
  log::debug("{} {}: {}", request.method, shown, transfer.response.status);
  if (transfer.response.succeeded() && !transfer.body_was_sent())
    return fail(Errc::unavailable, "{}: the server ended the upload early", shown);
  transfer.response.final_url = request.url;
  return std::move(transfer.response);
}

}  // namespace rtenv::remote
