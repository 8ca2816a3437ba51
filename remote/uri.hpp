// A URI that a runtime_env may name: parsed once, at the edge, and safe to show.
//
//   s3://BUCKET/KEY   gs://BUCKET/OBJECT   azure://CONTAINER/BLOB
//   abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH http(s)://…       file:///PATH
//   local:///DIRECTORY       gcs://PACKAGE (held by the job server)
//
// Names of objects are taken as written, not percent-decoded, as the vendors' own tools do. Any of
// them may end with
// "#sha256=" and 64 hex digits: what is fetched must have this digest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

enum class Scheme : std::uint8_t { s3, gs, azure, abfss, http, https, file, local, gcs };

std::string_view name(Scheme scheme) noexcept;

struct Uri {
  Scheme scheme = Scheme::file;
  std::string
      authority;  // bucket, container[@account host], host[:port]; may hold user info: a secret
  std::string
      path;  // of an object: its key; of http: as written, from '/'; of file, local: the path
  std::string query;                  // of http: as written, without '?'; may hold a secret
  std::optional<std::string> sha256;  // lower-case hex digits

  /// Fails: invalid_argument (an unknown scheme, which is compared with the known ones; no bucket;
  /// a bad digest).
  static Result<Uri> parse(std::string_view text);

  /// Without the pin. May hold secrets: for requests, never for people.
  [[nodiscard]] std::string text() const;
  /// For people: user info and query string are "…".
  [[nodiscard]] std::string shown() const;
  /// The last part of the path, percent-decoded where the scheme is http; empty where the path ends
  /// with '/'.
  [[nodiscard]] std::string file_name() const;
  /// Names a folder or a bucket rather than an object.
  [[nodiscard]] bool is_prefix() const { return path.empty() || path.ends_with('/'); }
};

/// Whether the text begins like a URI: letters, digits, "+-." and "://".
bool looks_like_uri(std::string_view text) noexcept;

/// The URL for people: user info as "…@", the query string as "?…", no fragment.
std::string redacted_url(std::string_view url);

}  // namespace rtenv::remote
