// Objects in stores: s3://, gs://, azure://, abfss://, http(s)://, file://, and gcs://, which is
// the storage of the job server at RAY_API_SERVER_ADDRESS. "#sha256=<64 hex digits>" at the end of
// a URI pins its content. Credentials are those that the vendors' own tools find, or the caller's
// (Options::credentials); they go to no other host than theirs.
//
// Thread-safe. All functions fail with: not_found (no such object or bucket), permission_denied
// (wrong, expired or missing credentials), unavailable (no response within RTENV_NETWORK_TIMEOUT),
// invalid_argument (a URI, a setting; the store refuses the request), out_of_space, cancelled.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rtenv/cache.hpp"
#include "rtenv/package.hpp"

namespace rtenv {

struct FetchOptions : Options {
  bool offline = false;  // what was fetched last, whatever the store has now
};

/// In the cache. Of a file:// URI without a pin, the file itself.
struct Fetched {
  Path path = {};
  std::optional<Lease> lease = {};  // keeps the path; nullopt if it isn't in the cache
  bool from_cache = false;          // nothing was downloaded
};

/// Fetches the object as a file. An object that hasn't changed isn't downloaded again. Fails also:
/// corrupt (it isn't what its pin or the store's checksum says).
RTENV_API Result<Fetched> fetch_file(std::string_view uri, Cache& cache,
                                     const FetchOptions& options = {});

/// Fetches an archive and unpacks it; the files are read-only. Its only top folder is left out,
/// except of gcs://. Fails also: corrupt; invalid_argument (not an archive, or an unsafe one).
RTENV_API Result<Fetched> fetch_tree(std::string_view uri, Cache& cache,
                                     const FetchOptions& options = {});

struct Downloaded {
  std::uint64_t size_bytes = 0;
  std::string sha256 = {};  // 64 lower-case hex digits
};

/// Writes the object to the file `target`, beside any cache. The file appears or is replaced when
/// it is complete. Fails also: corrupt.
RTENV_API Result<Downloaded> download(std::string_view uri, const Path& target,
                                      const FetchOptions& options = {});

struct Pushed {
  std::string uri = {};  // with the name that was added; without a password or a signature
  std::uint64_t size_bytes = 0;
  bool uploaded = false;  // false: a job server already had it
  /// Of a directory: as `pack`; without entries unless it was uploaded.
  Package package = {};
};

/// Uploads a directory as a package, without a temporary file, or a file as it is; to exactly
/// `uri`, or, if that ends with '/' or is gcs://, below it under the package's or the file's own
/// name. The object appears when it is complete. Fails also: changed (what is read).
RTENV_API Result<Pushed> push(const Path& source, std::string_view uri,
                              const PackOptions& options = {});

}  // namespace rtenv
