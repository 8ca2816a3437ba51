#include "remote/uri.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.hpp"
#include "base/nearest.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "remote/store_names.hpp"

namespace rtenv::remote {
namespace {

// In the order of Scheme.
constexpr std::array<std::string_view, 9> k_schemes{"s3",    "gs",   "azure", "abfss", "http",
                                                    "https", "file", "local", "gcs"};
constexpr std::string_view k_separator = "://";
constexpr std::string_view k_pin = "sha256=";
constexpr std::string_view k_abfss_suffix = ".dfs.core.windows.net";

bool is_http(Scheme scheme) { return scheme == Scheme::http || scheme == Scheme::https; }

std::string shown_text(Scheme scheme, std::string_view text) {
  return is_http(scheme) ? redacted_url(text) : redacted_object(text);
}

Result<Scheme> parse_scheme(std::string_view text) {
  const auto found = std::ranges::find(k_schemes, lower_ascii(text));
  if (found != k_schemes.end()) return static_cast<Scheme>(found - k_schemes.begin());
  auto failure = fail(Errc::invalid_argument, "{}:// isn't a scheme that rtenv supports", text);
  if (const auto suggestion = nearest(text, k_schemes))
    return std::move(failure).hint("did you mean {}://?", *suggestion);
  return std::move(failure).hint("supported: {}://", fmt::join(k_schemes, "://, "));
}

std::string_view name_of(std::string_view part) {
  return trim(part.substr(0, part.find_first_of("=:")));
}

Failure fail_fragment(std::string_view part, const std::string& shown) {
  // The value may be a secret.
  return fail(Errc::invalid_argument, "{}: '#{}{}' isn't a pin", shown, name_of(part),
              name_of(part).size() < part.size() ? "…" : "")
      .hint("use #sha256= and 64 hex digits, or leave it out");
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

Result<std::string> parse_pin(std::string_view digits, const std::string& shown) {
  if (digits.size() == 64 && is_hex(digits)) return lower_ascii(digits);
  return fail(Errc::invalid_argument, "{}: #sha256= needs 64 hex digits, got '{}'", shown, digits);
}

// "sha256=…", also mistyped, or another digest.
bool looks_like_pin(std::string_view part) {
  constexpr std::size_t k_shortest_digest = 32;  // MD5
  const auto end = part.find_first_of("=:");
  if (end == std::string_view::npos) return false;
  const std::string name = lower_ascii(name_of(part));
  const std::string_view value = trim(part.substr(end + 1));
  const bool names_digest =
      name == "md5" || (name.starts_with("sha") && name.size() > 3 &&
                        name.find_first_not_of("0123456789-_", 3) == std::string::npos);
  return names_digest || (value.size() >= k_shortest_digest && is_hex(value));
}

// Of http: no server gets to see it, so all of it means something to rtenv. pip writes "egg=" and
// "subdirectory=" beside a digest.
Result<std::optional<std::string>> parse_fragment(std::string_view fragment,
                                                  const std::string& shown) {
  std::optional<std::string> pin;
  for (const std::string_view part : split(fragment, '&')) {
    if (part.starts_with("egg=") || part.starts_with("subdirectory=")) continue;
    if (!part.starts_with(k_pin)) return fail_fragment(part, shown);
    RTENV_TRY(pin, parse_pin(part.substr(k_pin.size()), shown));
  }
  return pin;
}

// Removes "#sha256=…" from the end of an object's name. Others may be part of it, but for what was
// meant as a pin: it must not be taken for a checked one.
Result<std::optional<std::string>> remove_pin(Scheme scheme, std::string_view& text) {
  const auto at = text.rfind('#');
  if (at == std::string_view::npos) return std::optional<std::string>();
  const std::string_view fragment = text.substr(at + 1);
  const std::string shown = shown_text(scheme, text.substr(0, at));
  if (fragment.starts_with(k_pin)) {
    text = text.substr(0, at);
    RTENV_TRY(std::string pin, parse_pin(fragment.substr(k_pin.size()), shown));
    return std::optional(std::move(pin));
  }
  const std::string decoded = percent_decode(fragment);
  for (const std::string_view part : split(decoded, '&'))
    if (looks_like_pin(part)) return fail_fragment(part, shown);
  return std::optional<std::string>();
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
  if (!is_http(uri.scheme)) {
    RTENV_TRY(uri.sha256, remove_pin(uri.scheme, text));
  }
  std::string_view rest = text.substr(separator + k_separator.size());
  if (is_http(uri.scheme)) {
    const std::string_view before_path = rest.substr(0, rest.find('/'));
    if (before_path.find('#') < before_path.find('@') && before_path.find('@') != rest.npos)
      return fail(Errc::invalid_argument, "{} has a '#' before '@'", redacted_url(text))
          .hint("in a password, write it as %23");
    if (const auto hash = rest.find('#'); hash != std::string_view::npos) {
      RTENV_TRY(uri.sha256, parse_fragment(rest.substr(hash + 1), redacted_url(text)));
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
