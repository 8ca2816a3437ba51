// The parts of an http or https URL, as libcurl reads them: what is checked here is what a request
// uses, so nothing else takes the URL of a request apart. Loads libcurl.
#pragma once

#include <string>

#include "base/result.hpp"

namespace rtenv::remote {

/// Whom credentials belong to: they are sent to no other.
struct Origin {
  std::string scheme;  // "http" or "https"
  std::string host;    // in lower case, an IPv4 address in dotted form, an IPv6 address in brackets
  std::string port;    // never empty

  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Url {
  Origin origin;
  std::string user_info;  // as written; a secret
  std::string path;       // as written, from '/'
  std::string query;      // as written, without '?'; may be a secret

  /// Fails: invalid_argument (not an absolute http or https URL), not_found (no libcurl).
  static Result<Url> parse(const std::string& text);

  /// The URL of a service, to which paths are appended: without a slash at the end. Fails: as
  /// parse, invalid_argument (with user info or a query).
  static Result<Url> parse_endpoint(const std::string& text);

  /// The URL of a link in a page at this one. Fails: as parse.
  [[nodiscard]] Result<Url> resolve(const std::string& link) const;

  /// The next URL after this one: it gets this one's user info if it has none, and only within the
  /// origin.
  [[nodiscard]] Url followed_by(Url next) const;

  /// Without fragment. For requests, not for messages: it may contain secrets.
  [[nodiscard]] std::string text() const;
};

/// Whether what is sent to `from` is encrypted, and what is sent to `to` isn't.
bool is_downgrade(const Origin& from, const Origin& to) noexcept;

}  // namespace rtenv::remote
