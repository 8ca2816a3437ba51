#include "remote/transfer_error.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "base/redact.hpp"
#include "remote/timestamp.hpp"

namespace rtenv::remote {
namespace {

constexpr std::array<int, 3> k_transient_client_errors{408, 425, 429};
constexpr std::array<int, 7> k_lasting_server_errors{501, 505, 506, 507, 508, 510, 511};

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

// The TLS library has understood what the server sent, and it doesn't suit: another version, no
// common cipher, not TLS at all.
bool is_lasting_handshake_error(std::string_view detail) noexcept {
  return detail.find("error:") != std::string_view::npos &&
         detail.find("unexpected eof") == std::string_view::npos;
}

}  // namespace

Errc errc_of_curl(int code, std::string_view detail) noexcept {
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK: return Errc::cancelled;
    case CURLE_OUT_OF_MEMORY: return Errc::unavailable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_LOGIN_DENIED:
    case CURLE_AUTH_ERROR: return Errc::permission_denied;
    case CURLE_SSL_CONNECT_ERROR:
      return is_lasting_handshake_error(detail) ? Errc::invalid_argument : Errc::unavailable;
    case CURLE_READ_ERROR:            // of netrc: it is malformed
    case CURLE_UNSUPPORTED_PROTOCOL:  // also: the response isn't HTTP/1
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_NOT_BUILT_IN:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_BAD_FUNCTION_ARGUMENT: return Errc::invalid_argument;
    case CURLE_FAILED_INIT: return Errc::internal;
    default: return Errc::unavailable;
  }
}

bool is_transient_status(int status) noexcept {
  const auto is_in = [&](const auto& list) {
    return std::ranges::find(list, status) != list.end();
  };
  return is_in(k_transient_client_errors) ||
         (status >= 500 && status < 600 && !is_in(k_lasting_server_errors));
}

std::optional<Setback> setback_of(const Result<HttpResponse>& outcome) {
  if (!outcome && outcome.error().code() == Errc::unavailable)
    return Setback{outcome.error().message(), std::nullopt};
  if (!outcome || !is_transient_status(outcome->status)) return std::nullopt;
  return Setback{fail_status(outcome->status, redacted_url(outcome->final_url)).message(),
                 retry_after(*outcome)};
}

Failure fail_status(int status, std::string_view shown, std::string_view reason) {
  constexpr std::size_t k_max_reason_bytes = 500;
  const bool is_cut = reason.size() > k_max_reason_bytes;
  if (is_cut) {
    std::size_t end = k_max_reason_bytes;  // not within a character of UTF-8
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) --end;
    reason = reason.substr(0, end);
  }
  const bool missing = status == 404 || status == 410;
  const bool refused = status == 401 || status == 403 || status == 407;
  const Errc code = missing                                         ? Errc::not_found
                    : refused                                       ? Errc::permission_denied
                    : status == 413 || status == 507                ? Errc::out_of_space
                    : status >= 400 && !is_transient_status(status) ? Errc::invalid_argument
                                                                    : Errc::unavailable;
  if (reason.empty()) return fail(code, "{} returned HTTP status {}", shown, status);
  return fail(code, "{}: {}{} (HTTP status {})", shown, reason, is_cut ? "…" : "", status);
}

Failure fail_cut_off(std::string_view shown) {
  return fail(Errc::unavailable, "{}: the store's response was cut off", shown);
}

Failure fail_other_document(std::string_view shown, std::string_view wanted) {
  return fail(Errc::invalid_argument, "{}: the response isn't {}", shown, wanted)
      .hint("check the endpoint: what responds there isn't the store");
}

}  // namespace rtenv::remote
