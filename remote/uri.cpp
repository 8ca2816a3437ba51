#include "remote/uri.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "remote/store_names.hpp"

namespace rtenv::remote {
namespace {

// In the order of Scheme.
constexpr std::array<std::string_view, 9> k_schemes{"s3",    "gs",   "azure", "abfss", "http",
                                                    "https", "file", "local", "gcs"};
constexpr std::string_view k_separator = "://";
constexpr std::string_view k_pin = "#sha256=";
constexpr std::string_view k_abfss_suffix = ".dfs.core.windows.net";

bool is_http(Scheme scheme) { return scheme == Scheme::http || scheme == Scheme::https; }

std::string shown_text(Scheme scheme, std::string_view text) {
  return is_http(scheme) ? redacted_url(text) : redacted_object(text);
}

Result<Scheme> parse_scheme(std::string_view text) {
  const auto found = std::ranges::find(k_schemes, text);
  if (found != k_schemes.end()) return static_cast<Scheme>(found - k_schemes.begin());
  auto failure = fail(Errc::invalid_argument, "{}:// isn't a scheme that rtenv supports", text);
  if (const auto suggestion = nearest(text, k_schemes))
    return std::move(failure).hint("did you mean {}://?", *suggestion);
  return std::move(failure).hint("supported: {}://", fmt::join(k_schemes, "://, "));
}

// A mistyped pin must not be taken for a checked one.
Result<void> refuse_mistyped_pin(std::string_view fragment, const std::string& shown) {
  if (lower_ascii(fragment.substr(0, fragment.find_first_of("=:"))) != "sha256") return {};
  return fail(Errc::invalid_argument, "{}: '#{}' isn't a pin", shown, fragment)
      .hint("use #sha256= and 64 hex digits");
}

// Removes "#sha256=…" from the end of `text`.
Result<std::optional<std::string>> remove_pin(Scheme scheme, std::string_view& text) {
  const auto at = text.rfind(k_pin);
  if (at == std::string_view::npos) return std::optional<std::string>();
  const std::string_view digits = text.substr(at + k_pin.size());
  const bool hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  text = text.substr(0, at);
  if (digits.size() != 64 || !hex)
    return fail(Errc::invalid_argument, "{}: #sha256= needs 64 hex digits, got '{}'",
                shown_text(scheme, text), digits);
  return std::optional(lower_ascii(digits));
}

Result<void> check_abfss(const Uri& uri) {
  const auto at = uri.authority.find('@');
  const bool well_formed = at != std::string::npos && at > 0 &&
                           uri.authority.size() > at + 1 + k_abfss_suffix.size() &&
                           uri.authority.ends_with(k_abfss_suffix);
  if (!well_formed)
    return fail(Errc::invalid_argument, "{} isn't an abfss URI", uri.shown())
        .hint("use abfss://CONTAINER@ACCOUNT{}/PATH", k_abfss_suffix);
  RTENV_TRY(AzureContainer::parse(uri.container(), uri.shown()));
  RTENV_TRY(AzureAccountName::parse(uri.account(), uri.shown()));
  return {};
}

Result<void> check_authority(const Uri& uri) {
  if (uri.authority.empty())
    return fail(Errc::invalid_argument, "{} names no {}", uri.shown(),
                uri.scheme == Scheme::azure ? "container"
                : is_http(uri.scheme)       ? "host"
                                            : "bucket");
  if (uri.scheme == Scheme::s3) RTENV_TRY(S3Bucket::parse(uri.authority, uri.shown()));
  if (uri.scheme == Scheme::gs) RTENV_TRY(GsBucket::parse(uri.authority, uri.shown()));
  if (uri.scheme == Scheme::azure) RTENV_TRY(AzureContainer::parse(uri.authority, uri.shown()));
  if (uri.scheme == Scheme::abfss) RTENV_TRY(check_abfss(uri));
  return {};
}

Result<void> check_local_path(const Uri& uri) {
  if (uri.authority.empty() && uri.path.starts_with('/')) return {};
  return fail(Errc::invalid_argument, "{} isn't absolute", uri.shown())
      .hint("use three slashes: {}:///path", name(uri.scheme));
}

}  // namespace

std::string_view name(Scheme scheme) noexcept {
  return k_schemes[static_cast<std::size_t>(scheme)];
}

bool looks_like_uri(std::string_view text) noexcept {
  const auto end = text.find(k_separator);
  if (end == std::string_view::npos || end == 0) return false;
  return std::ranges::all_of(text.substr(0, end), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
}

Result<Uri> Uri::parse(std::string_view text) {
  if (!looks_like_uri(text))
    return fail(Errc::invalid_argument, "'{}' isn't a URI", redacted_url(text))
        .hint("use SCHEME://…, e.g. s3://bucket/job.zip");
  if (text.find('\0') != std::string_view::npos)
    return fail(Errc::invalid_argument, "{} contains a NUL byte", redacted_url(text));
  const auto separator = text.find(k_separator);
  Uri uri;
  RTENV_TRY(uri.scheme, parse_scheme(text.substr(0, separator)));
  RTENV_TRY(uri.sha256, remove_pin(uri.scheme, text));
  std::string_view rest = text.substr(separator + k_separator.size());
  if (is_http(uri.scheme)) {
    const std::string_view before_path = rest.substr(0, rest.find('/'));
    if (before_path.find('#') < before_path.find('@') && before_path.find('@') != rest.npos)
      return fail(Errc::invalid_argument, "{} has a '#' before '@'", redacted_url(text))
          .hint("in a password, write it as %23");
    if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
      RTENV_TRY(refuse_mistyped_pin(rest.substr(hash + 1), redacted_url(text)));
      rest = rest.substr(0, hash);
    }
    const auto question = rest.find('?');
    if (question != std::string_view::npos) uri.query = rest.substr(question + 1);
    rest = rest.substr(0, question);
  }
  if (uri.scheme == Scheme::gcs) {
    uri.path = rest;
    return uri;
  }
  const auto slash = rest.find('/');
  uri.authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) uri.path = rest.substr(slash);
  if (uri.scheme == Scheme::file || uri.scheme == Scheme::local) {
    RTENV_TRY(check_local_path(uri));
    return uri;
  }
  if (!is_http(uri.scheme) && !uri.path.empty()) uri.path.erase(0, 1);
  RTENV_TRY(check_authority(uri));
  return uri;
}

std::string Uri::text() const {
  const bool object = scheme != Scheme::gcs && scheme != Scheme::file && scheme != Scheme::local &&
                      !is_http(scheme);
  std::string text = fmt::format("{}://{}{}{}", name(scheme), authority, object ? "/" : "", path);
  if (!query.empty()) text += "?" + query;
  return text;
}

std::string_view Uri::container() const {
  return std::string_view(authority).substr(0, authority.find('@'));
}

std::string_view Uri::account() const {
  const auto at = authority.find('@');
  if (scheme != Scheme::abfss || at == std::string::npos) return {};
  return std::string_view(authority).substr(at + 1, authority.rfind(k_abfss_suffix) - at - 1);
}

std::string Uri::shown() const { return shown_text(scheme, text()); }

std::string Uri::file_name() const {
  const auto slash = path.rfind('/');
  const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
  return is_http(scheme) ? percent_decode(last) : last;
}

}  // namespace rtenv::remote
