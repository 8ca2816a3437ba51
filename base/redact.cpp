#include "base/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/encoding.hpp"

namespace rtenv {

namespace {

// Of presigned URLs (S3, Google, Azure) and of tokens. With '*': all that begin so.
constexpr std::array<std::string_view, 27> k_secrets{"x-amz-*",
                                                     "x-oss-*",
                                                     "x-goog-*",
                                                     "sig",
                                                     "signature",
                                                     "awsaccesskeyid",
                                                     "googleaccessid",
                                                     "expires",
                                                     "se",
                                                     "sp",
                                                     "sr",
                                                     "st",
                                                     "sv",
                                                     "spr",
                                                     "skoid",
                                                     "sktid",
                                                     "skt",
                                                     "ske",
                                                     "sks",
                                                     "skv",
                                                     "token",
                                                     "access_token",
                                                     "auth",
                                                     "apikey",
                                                     "api_key",
                                                     "private_token",
                                                     "password"};

bool is_secret(std::string_view parameter) {
  std::string name(parameter.substr(0, parameter.find('=')));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::ranges::any_of(k_secrets, [&](std::string_view secret) {
    return secret.ends_with('*') ? name.starts_with(secret.substr(0, secret.size() - 1))
                                 : name == secret;
  });
}

// Whether a query has a secret with a value.
bool has_secret(std::string_view query) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    if (parameter.find('=') != std::string_view::npos && is_secret(parameter)) return true;
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return false;
}

// A query without its secret parameters, with its '?' unless nothing is left.
std::string without_secrets(std::string_view query) {
  std::string result;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view parameter = query.substr(0, end);
    if (!is_secret(parameter)) result += (result.empty() ? "?" : "&") + std::string(parameter);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
  }
  return result;
}

// The end of the login in what follows "://", which is before '@'; npos if there is none. A
// password may have a '/' or '?' by mistake: then what is before that isn't HOST:PORT.
std::size_t login_end(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?# \t\n"));
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) return at;
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.starts_with('[') ||
      authority.find_first_not_of("0123456789", colon + 1) == std::string_view::npos)
    return std::string_view::npos;
  return rest.substr(0, rest.find_first_of(" \t\n\"<>")).rfind('@');
}

// The URL up to the first character of `ends`. A password may have such a character by mistake: all
// before '@' is hidden.
std::string redacted(std::string_view url, std::string_view ends) {
  const auto scheme_end = url.find("://");
  const auto authority = scheme_end != std::string_view::npos ? scheme_end + 3
                         : url.starts_with("//")              ? 2  // a redirect may be so
                                                              : 0;
  auto at = url.substr(0, url.find('/', authority)).rfind('@');
  if (at == std::string_view::npos || at < authority) {
    at = login_end(url.substr(authority));
    if (at != std::string_view::npos) at += authority;
  }
  const bool names_container = url.starts_with("abfss://");  // CONTAINER@ACCOUNT
  std::string shown;
  if (at != std::string_view::npos && at >= authority && !names_container) {
    shown = std::string(url.substr(0, authority)) + "…";
    url.remove_prefix(at);
  }
  const auto end = url.find_first_of(ends);
  shown += url.substr(0, end);
  if (end != std::string_view::npos && url[end] == '?') shown += "?…";
  return shown;
}

}  // namespace

std::string without_credentials(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return result += text;
    result += text.substr(0, scheme_end + 3);
    text.remove_prefix(scheme_end + 3);
    if (const auto at = login_end(text); at != std::string_view::npos) text.remove_prefix(at + 1);
    std::string_view url = text.substr(0, text.find_first_of(" \t\n\"<>"));
    if (url.ends_with('\'')) url.remove_suffix(1);  // a quoted URL; a query may contain one, too
    const std::string_view before_query = url.substr(0, url.find_first_of("?#"));
    result += before_query;
    text.remove_prefix(before_query.size());
    if (!text.starts_with('?')) continue;
    const std::string_view query = text.substr(1, url.substr(before_query.size()).find('#') - 1)
                                       .substr(0, url.size() - before_query.size() - 1);
    result += without_secrets(query);
    text.remove_prefix(1 + query.size());
  }
  return result;
}

// The key of an object is a part of its URL's path, where a signed query by mistake has "%3F" for
// '?'.
std::string redacted_url(std::string_view url) {
  std::string shown = redacted(url, "?#");
  for (auto at = shown.find("%3"); at != std::string::npos; at = shown.find("%3", at + 1)) {
    const std::string rest = percent_decode(std::string_view(shown).substr(at));
    if (rest.starts_with('?') && has_secret(std::string_view(rest).substr(1)))
      return shown.substr(0, at) + "?…";
  }
  return shown;
}

std::string redacted_object(std::string_view uri) {
  std::string shown = redacted(uri, "");
  for (auto at = shown.find('?'); at != std::string::npos; at = shown.find('?', at + 1))
    if (has_secret(std::string_view(shown).substr(at + 1))) return shown.substr(0, at) + "?…";
  return shown;
}

}  // namespace rtenv
