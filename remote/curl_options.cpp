#include "remote/curl_options.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "remote/netrc.hpp"
#include "remote/url.hpp"

namespace rtenv::remote {
namespace {

constexpr long k_connect_timeout_s = 10;
constexpr long k_keep_alive_s = 15;
constexpr std::chrono::milliseconds k_clean_up_time{2000};
constexpr long k_receive_buffer_bytes = 512L << 10U;
constexpr long k_send_buffer_bytes = 1L << 20U;
// A server that supports "Expect: 100-continue" responds sooner than this; others never do.
constexpr long k_continue_wait_ms = 50;

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

// libcurl opens files by itself: it would wait for the writer of a pipe.
Result<void> check_file(const Path& path) {
  const auto opened = open_regular_file(path, O_RDONLY);
  if (opened || opened.error().code() != Errc::invalid_argument) return {};
  return Failure(opened.error());
}

Result<void> set_netrc(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                       const Environment& environment) {
  const auto file = netrc_file(environment);
  if (!file) return {};
  RTENV_TRY(check_file(*file));
  if (request.netrc == Netrc::named_entry) {
    const auto url = Url::parse(request.url);
    if (!url || !netrc_names(*file, url->origin.host)) return {};
  }
  curl.easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
  curl.easy_setopt(handle, CURLOPT_NETRC_FILE, file->c_str());
  return {};
}

Result<void> set_credentials(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                             const Environment& environment) {
  if (request.aws) {
    const AwsSigning& aws = *request.aws;
    curl.easy_setopt(handle, CURLOPT_AWS_SIGV4,
                     fmt::format("aws:amz:{}:{}", aws.region, aws.service).c_str());
    curl.easy_setopt(handle, CURLOPT_USERNAME, aws.access_key_id.c_str());
    curl.easy_setopt(handle, CURLOPT_PASSWORD, aws.secret_access_key.c_str());
  } else if (!request.bearer.empty()) {
    curl.easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl.easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request.bearer.c_str());
  } else if (request.netrc != Netrc::unused) {
    return set_netrc(curl, handle, request, environment);
  }
  return {};
}

// Those that don't depend on what is transferred.
void set_times(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
               const TransferTimes& times) {
  using std::chrono::milliseconds;
  const auto timeout_s = static_cast<long>(times.limits.timeout.count());
  milliseconds left =
      std::chrono::duration_cast<milliseconds>(times.deadline - Retry::Clock::now());
  if (request.cleans_up) left = std::min(left, k_clean_up_time);
  if (request.work_time.count() > 0) left = std::min<milliseconds>(left, request.work_time);
  curl.easy_setopt(handle, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(left.count())));
  // A server that may be silent for long is asked whether it is still there.
  curl.easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
  curl.easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, k_keep_alive_s);
  curl.easy_setopt(handle, CURLOPT_TCP_KEEPINTVL, k_keep_alive_s);
  curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, std::min(k_connect_timeout_s, timeout_s));
  // Otherwise the end of a transfer waits for the end of a lookup of the host's name.
  curl.easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
}

Result<void> set_certificates(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                              const Environment& environment) {
  for (const std::string_view variable : {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (variable == "AWS_CA_BUNDLE" && !request.aws) continue;
    if (const auto file = environment.find_filled(variable)) {
      RTENV_TRY(check_file(Path(*file)));
      curl.easy_setopt(handle, CURLOPT_CAINFO, std::string(*file).c_str());
      break;
    }
  }
  if (environment.find("RTENV_TLS_VERIFY") == "false") {
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl.easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  return {};
}

void set_transport(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                   const Environment& environment) {
  curl.easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  if (!request.unix_socket.empty()) {
    curl.easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    curl.easy_setopt(handle, CURLOPT_PROXY, "");
  }
  if (request.destination == Destination::metadata) {
    curl.easy_setopt(handle, CURLOPT_PROXY, "");
    // No other request gets its connection.
    curl.easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl.easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
  }
  // Of a proxy: not of the response.
  curl.easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl.easy_setopt(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  // A key may contain "..", and it is signed as written.
  curl.easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl.easy_setopt(handle, CURLOPT_USERAGENT, user_agent(environment).c_str());
  if (request.compressed) curl.easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(handle, CURLOPT_BUFFERSIZE, k_receive_buffer_bytes);
  curl.easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, k_send_buffer_bytes);
}

}  // namespace

std::string user_agent(const Environment& environment) {
  return std::string(environment.find_filled("RAY_RUNTIME_ENV_HTTP_USER_AGENT").value_or("rtenv"));
}

Result<void> set_curl_options(const CurlLibrary& curl, CURL* handle, const HttpRequest& request,
                              const Environment& environment, const TransferTimes& times) {
  set_transport(curl, handle, request, environment);
  set_times(curl, handle, request, times);
  set_body(curl, handle, request);
  RTENV_TRY(set_certificates(curl, handle, request, environment));
  return set_credentials(curl, handle, request, environment);
}

}  // namespace rtenv::remote
