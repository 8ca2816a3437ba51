// A URI that a runtime_env may contain. Parsed once, where it enters the program.
//
//   s3://BUCKET/KEY       gs://BUCKET/OBJECT       azure://CONTAINER/BLOB
//   abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH
//   http(s)://…           file:///PATH             local:///DIRECTORY
//   gcs://PACKAGE (on the job server)
//
// Object names aren't percent-decoded, as in the vendors' own tools. Any URI may be pinned: it ends
// with "#sha256=" and 64 hex digits, and the fetched object must have this digest. What looks like
// another pin is refused; of http, any fragment but pip's "egg=" and "subdirectory=".
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
  /// Bucket, container[@account host] or host[:port]; may contain user info, a secret.
  std::string authority;
  /// The key of an object; the path of an http URL from '/', not decoded; a local path.
  std::string path;
  /// Of http, not decoded, without '?'; may contain a secret.
  std::string query;
  std::optional<std::string> sha256;  // lower-case hex digits

  /// Fails: invalid_argument (an unknown scheme, for which the hint suggests a similar one; no
  /// bucket, or a name that none can have; a relative path; a malformed digest).
  static Result<Uri> parse(std::string_view text);

  /// Of azure and abfss.
  [[nodiscard]] std::string_view container() const;
  /// The storage account of an abfss URI; empty for others.
  [[nodiscard]] std::string_view account() const;
  /// Without the pin. May contain secrets: for requests, not for messages.
  [[nodiscard]] std::string text() const;
  /// For messages: user info, and the query of http or a signed one, are "…".
  [[nodiscard]] std::string shown() const;
  /// The last part of the path, percent-decoded for http; empty if the path ends with '/'.
  [[nodiscard]] std::string file_name() const;
  /// Whether it names a folder or a bucket rather than an object.
  [[nodiscard]] bool is_prefix() const { return path.empty() || path.ends_with('/'); }
};

/// Whether the text begins with a scheme (letters, digits, "+-.") and "://".
bool looks_like_uri(std::string_view text) noexcept;

}  // namespace rtenv::remote
