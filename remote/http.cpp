#include "remote/http.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "remote/backoff.hpp"
#include "remote/curl_library.hpp"
#include "remote/uri.hpp"

namespace rtenv::remote {
namespace {

constexpr long k_connect_timeout_s = 10;
constexpr long k_default_stall_s = 30;
constexpr int k_max_redirects = 10;
constexpr long k_receive_buffer_bytes = 512L << 10U;
constexpr long k_send_buffer_bytes = 1L << 20U;
constexpr long k_continue_wait_ms =
    50;  // a server that answers "100 Continue" does it sooner, others never
constexpr std::size_t k_max_explanation_bytes = 64U << 10U;
constexpr std::size_t k_max_idle_connections = 16;

struct Transfer {
  const CurlLibrary& curl;
  CURL* handle;
  const HttpRequest& request;
  const BodySink& sink;
  HttpResponse response;
  std::size_t sent_bytes = 0;  // of request.body
  std::uint64_t received_bytes = 0;
  std::optional<Error> error;  // of the sink, or our own: why the transfer was stopped
};

Transfer& transfer_of(void* context) { return *static_cast<Transfer*>(context); }

std::size_t on_header(char* data, std::size_t, std::size_t count, void* context) {
  Transfer& transfer = transfer_of(context);
  std::string_view line(data, count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of another answer than the last one, such as "100 Continue"
    transfer.response.headers.clear();
    return count;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  std::string name = lower_ascii(line.substr(0, colon));
  const auto value = line.find_first_not_of(" \t", colon + 1);
  transfer.response.headers.insert_or_assign(
      std::move(name),
      value == std::string_view::npos ? std::string() : std::string(line.substr(value)));
  return count;
}

long status_of(const CurlLibrary& curl, CURL* handle) {
  long status = 0;
  curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t on_body(char* data, std::size_t, std::size_t count, void* context) {
  Transfer& transfer = transfer_of(context);
  HttpResponse& response = transfer.response;
  response.status = static_cast<int>(status_of(transfer.curl, transfer.handle));
  if (!response.succeeded()) {
    response.body.append(data, std::min(count, k_max_explanation_bytes - response.body.size()));
    return count;
  }
  Result<void> taken;
  if (transfer.received_bytes == 0 && transfer.request.check_answer)
    taken = transfer.request.check_answer(response);
  transfer.received_bytes += count;
  if (!taken) {
    transfer.error = std::move(taken).error();
    return 0;
  }
  if (transfer.received_bytes > transfer.request.max_bytes)
    taken = fail(Errc::invalid_argument, "{} is larger than {} bytes",
                 redacted_url(transfer.request.url), transfer.request.max_bytes);
  else
    taken = transfer.sink(std::as_bytes(std::span(data, count)));
  if (taken) return count;
  transfer.error = std::move(taken).error();
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

// A kept connection that turns out to be dead is replaced by libcurl, which then begins the body
// anew.
int on_rewind(void* context, curl_off_t offset, int origin) {
  Transfer& transfer = transfer_of(context);
  if (origin != SEEK_SET || transfer.request.body_stream) return CURL_SEEKFUNC_CANTSEEK;
  transfer.sent_bytes = static_cast<std::size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::string text_info(const CurlLibrary& curl, CURL* handle, CURLINFO what) {
  const char* text = nullptr;
  curl.easy_getinfo(handle, what, &text);
  return text != nullptr ? text : "";
}

using HeaderList = std::unique_ptr<curl_slist, decltype(CurlLibrary::slist_free_all)>;

void set_body(const CurlLibrary& curl, CURL* handle, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl.easy_setopt(handle, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.method == "PUT" || request.method == "POST") {
    curl.easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    const auto size_bytes = request.body_stream ? request.body_stream_bytes : request.body.size();
    curl.easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                     size_bytes ? static_cast<curl_off_t>(*size_bytes) : curl_off_t{-1});
    curl.easy_setopt(handle, CURLOPT_EXPECT_100_TIMEOUT_MS, k_continue_wait_ms);
  }
  curl.easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_credentials(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                     const Environment& environment) {
  if (request.aws) {
    const AwsSigning& aws = *request.aws;
    curl.easy_setopt(handle, CURLOPT_AWS_SIGV4,
                     fmt::format("aws:amz:{}:{}", aws.region, aws.service).c_str());
    curl.easy_setopt(handle, CURLOPT_USERNAME, aws.access_key_id.c_str());
    curl.easy_setopt(handle, CURLOPT_PASSWORD, aws.secret_access_key.c_str());
    return;
  }
  if (!request.bearer.empty()) {
    curl.easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl.easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request.bearer.c_str());
    return;
  }
  if (!request.use_netrc) return;
  const auto file = environment.find_filled("NETRC");
  const auto home = environment.find_filled("HOME");
  if (!file && !home) return;
  curl.easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
  curl.easy_setopt(handle, CURLOPT_NETRC_FILE,
                   (file ? std::string(*file) : std::string(*home) + "/.netrc").c_str());
}

long stall_limit_s(const Environment& environment) {
  const auto text = environment.find_filled("RTENV_NETWORK_TIMEOUT");
  long seconds = 0;
  if (!text ||
      std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc() ||
      seconds <= 0)
    return k_default_stall_s;
  return seconds;
}

void set_transport(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                   const Environment& environment) {
  curl.easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl.easy_setopt(handle, CURLOPT_PATH_AS_IS,
                   1L);  // a key may have "..", and it is signed as written
  curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl.easy_setopt(
      handle, CURLOPT_USERAGENT,
      std::string(environment.find_filled("RAY_RUNTIME_ENV_HTTP_USER_AGENT").value_or("rtenv"))
          .c_str());
  if (request.compressed) curl.easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  const long stall_s = stall_limit_s(environment);
  curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, std::min(k_connect_timeout_s, stall_s));
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, stall_s);
  curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, CURLOPT_BUFFERSIZE, k_receive_buffer_bytes);
  curl.easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, k_send_buffer_bytes);
  for (const char* variable : {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (variable[0] == 'A' && !request.aws) continue;
    if (const auto file = environment.find_filled(variable)) {
      curl.easy_setopt(handle, CURLOPT_CAINFO, std::string(*file).c_str());  // libcurl keeps a copy
      break;
    }
  }
  if (environment.find("RTENV_TLS_VERIFY") == "false") {
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
}

void set_callbacks(const CurlLibrary& curl, CURL* handle, Transfer& transfer) {
  curl.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl.easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl.easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_READFUNCTION, &on_send);
  curl.easy_setopt(handle, CURLOPT_READDATA, &transfer);
  curl.easy_setopt(handle, CURLOPT_SEEKFUNCTION, &on_rewind);
  curl.easy_setopt(handle, CURLOPT_SEEKDATA, &transfer);
}

Failure fail_transport(const CurlLibrary& curl, CURLcode code, const std::string& shown) {
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return fail(Errc::cancelled, "interrupted while talking to {}", shown);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return fail(Errc::invalid_argument, "{} isn't an http or https URL", shown);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Errc::permission_denied, "the server of {} isn't trusted: {}", shown,
                  curl.easy_strerror(code))
          .hint("name the file of its certificate authority by SSL_CERT_FILE");
    case CURLE_PARTIAL_FILE: return fail(Errc::unavailable, "{} was cut off", shown);
    case CURLE_OPERATION_TIMEDOUT:
      return fail(Errc::unavailable, "{} doesn't answer in time", shown);
    default: return fail(Errc::unavailable, "cannot reach {}: {}", shown, curl.easy_strerror(code));
  }
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A URL in the parts that decide where credentials may go.
struct Origin {
  std::string_view scheme;  // with "://"
  std::string_view user_info;
  std::string_view host;  // with the port

  explicit Origin(std::string_view url) {
    const auto scheme_end = url.find("://");
    scheme = url.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end + 3);
    host = url.substr(scheme.size(), url.find_first_of("/?#", scheme.size()) - scheme.size());
    if (const auto at = host.rfind('@'); at != std::string_view::npos) {
      user_info = host.substr(0, at + 1);
      host.remove_prefix(at + 1);
    }
  }
  [[nodiscard]] bool is_same(const Origin& other) const {
    return scheme == other.scheme && host == other.host;
  }
};

// Where a redirect leads. Credentials stay with the origin that they were given for.
void follow(HttpRequest& hop, std::string next) {
  const Origin from(hop.url);
  const Origin to(next);
  if (!to.is_same(from))
    hop.bearer.clear();
  else if (to.user_info.empty())
    next.insert(to.scheme.size(), from.user_info);
  hop.url = std::move(next);
}

std::optional<std::chrono::seconds> retry_after(const HttpResponse& response) {
  const auto text = response.header("retry-after");
  unsigned seconds = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc())
    return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

struct HttpClient::Handle {
  const CurlLibrary* curl = nullptr;
  CURL* easy = nullptr;
  CURLM* multi = nullptr;  // keeps the connections; a transfer in it can be waited for together
                           // with a cancellation
  Handle() = default;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (easy != nullptr) curl->easy_cleanup(easy);
    if (multi != nullptr) curl->multi_cleanup(multi);
  }

  CURLcode run(const Cancellation* cancellation) const {
    constexpr int k_longest_wait_ms = 1000;  // libcurl's own timers end it sooner
    curl_waitfd stop{.fd = cancellation != nullptr ? cancellation->poll_fd() : -1,
                     .events = CURL_WAIT_POLLIN,
                     .revents = 0};
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    curl->multi_add_handle(multi, easy);
    while (cancellation == nullptr || !cancellation->requested()) {
      int running = 0;
      if (curl->multi_perform(multi, &running) != CURLM_OK) {
        result = CURLE_FAILED_INIT;
        break;
      }
      int left = 0;
      if (const CURLMsg* message = curl->multi_info_read(multi, &left)) {
        result = message->data.result;
        break;
      }
      curl->multi_poll(multi, &stop, cancellation != nullptr ? 1 : 0, k_longest_wait_ms, nullptr);
    }
    curl->multi_remove_handle(multi, easy);
    return result;
  }

  // One request, one answer, no redirects.
  Result<HttpResponse> perform(const HttpRequest& request, const BodySink& sink,
                               const Environment& environment,
                               const Cancellation* cancellation) const {
    curl->easy_reset(easy);  // connections are kept
    Transfer transfer{.curl = *curl,
                      .handle = easy,
                      .request = request,
                      .sink = sink,
                      .response = {},
                      .error = std::nullopt};
    set_transport(*curl, easy, request, environment);
    set_callbacks(*curl, easy, transfer);
    set_body(*curl, easy, request);
    set_credentials(*curl, easy, request, environment);
    curl_slist* raw_headers = nullptr;
    for (const std::string& header : request.headers)
      raw_headers = curl->slist_append(raw_headers, header.c_str());
    const HeaderList headers(raw_headers, curl->slist_free_all);
    curl->easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());

    const CURLcode code = run(cancellation);
    const std::string shown = redacted_url(request.url);
    if (transfer.error) return Failure(std::move(*transfer.error));
    transfer.response.status = static_cast<int>(status_of(*curl, easy));
    // An answer that came before all of the body was sent is an answer: a refusal.
    const bool refused_early = code == CURLE_SEND_ERROR && transfer.response.status >= 400;
    if (code != CURLE_OK && !refused_early) {
      log::debug("{} {}: {}", request.method, shown, curl->easy_strerror(code));
      return fail_transport(*curl, code, shown);
    }
    log::debug("{} {}: {}", request.method, shown, transfer.response.status);
    transfer.response.final_url = request.url;
    return std::move(transfer.response);
  }
};

std::string_view HttpResponse::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : found->second;
}

HttpClient::HttpClient(Environment environment, const Cancellation* cancellation)
    : environment_(std::move(environment)), cancellation_(cancellation) {}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < k_max_idle_connections) idle_.push_back(std::move(handle));
}

Result<HttpResponse> HttpClient::stream(const HttpRequest& request, const BodySink& sink) {
  RTENV_TRY(const CurlLibrary* curl, curl_library());
  auto handle = take();
  if (handle->easy == nullptr) {
    handle->curl = curl;
    handle->easy = curl->easy_init();
    handle->multi = curl->multi_init();
    if (handle->easy == nullptr || handle->multi == nullptr)
      return fail(Errc::internal, "libcurl can't begin a transfer");
  }
  HttpRequest hop = request;
  if (hop.sign) hop.sign(hop);
  for (int hops = 0;; ++hops) {
    RTENV_TRY(auto response, handle->perform(hop, sink, environment_,
                                             hop.ignores_cancellation ? nullptr : cancellation_));
    if (!request.follow_redirects || !is_redirect(response.status)) {
      give_back(std::move(handle));
      return response;
    }
    std::string next = text_info(*curl, handle->easy, CURLINFO_REDIRECT_URL);
    if (next.empty())
      return fail(Errc::unavailable, "{} redirects to nowhere", redacted_url(hop.url));
    if (hops == k_max_redirects)
      return fail(Errc::unavailable, "{} redirects without an end", redacted_url(request.url));
    follow(hop, std::move(next));
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
    const bool again = response ? is_transient_status(response->status)
                                : response.error().code() == Errc::unavailable;
    if (again) {
      RTENV_TRY(const bool waited, backoff.pause(response ? retry_after(*response) : std::nullopt));
      if (waited) continue;
    }
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
  if (reason.empty()) return fail(code, "{} answered with HTTP status {}", shown, status);
  return fail(code, "{}: {} (HTTP status {})", shown, reason, status);
}

Result<HttpResponse> http_get(HttpClient& client, const HttpRequest& request,
                              const BodySink& sink) {
  Backoff backoff(client.cancellation());
  const std::string shown = redacted_url(request.url);
  for (;;) {
    bool begun = false;
    auto response = client.stream(request, [&](std::span<const std::byte> data) {
      begun = true;
      return sink(data);
    });
    const bool again = response ? is_transient_status(response->status)
                                : response.error().code() == Errc::unavailable;
    if (again && !begun) {
      RTENV_TRY(const bool waited, backoff.pause(response ? retry_after(*response) : std::nullopt));
      if (waited) continue;
    }
    if (!response) return response;
    if (!response->succeeded()) return fail_status(response->status, shown);
    return response;
  }
}

}  // namespace rtenv::remote
