// Objects in stores: s3://, gs://, azure://, abfss://, http(s)://, file://, and gcs://, which is
// the storage of the job server at RAY_API_SERVER_ADDRESS. "#sha256=<64 hex digits>" at the end of
// a URI pins its content. Credentials are those that the vendors' own tools find, or the caller's
// (Options::credentials); they go to no other host than theirs.
//
// Thread-safe. All functions fail with: not_found (no such object or bucket), permission_denied
// (wrong, expired or missing credentials), unavailable (no response within RTENV_NETWORK_TIMEOUT),
// invalid_argument (a URI, a setting; the store refuses the request), out_of_space, cancelled.
// Writing to file:// makes missing folders.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rtenv/cache.hpp"
#include "rtenv/package.hpp"

namespace rtenv {

struct FetchOptions : Options {
  bool offline = false;    // what was fetched last, whatever the store has now
  bool anonymous = false;  // no credentials are sent: for public objects
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

/// Fetches an archive (.zip, .jar, .tar.gz, .tgz, .tar.xz, .tar.bz2 or .tar.zst) and unpacks it;
/// the files are read-only. Its only top folder is left out, except of gcs://. Fails also: corrupt;
/// invalid_argument (not an archive, or an unsafe one).
RTENV_API Result<Fetched> fetch_tree(std::string_view uri, Cache& cache,
                                     const FetchOptions& options = {});

struct Downloaded {
  std::uint64_t size_bytes = 0;
  std::string sha256 = {};  // 64 lower-case hex digits
};

struct DownloadOptions : FetchOptions {
  /// An object that is pinned by its URI is taken from here, if it is here. Nothing is put into it.
  std::optional<Cache> cache = {};
};

/// Writes the object to the file `target`, which appears or is replaced when it is complete. Fails
/// also: corrupt.
RTENV_API Result<Downloaded> download(std::string_view uri, const Path& target,
                                      const DownloadOptions& options = {});
/// Writes the object, when it is complete, to an open file, a pipe or a socket, from where it
/// stands; the descriptor stays the caller's. Fails also: corrupt.
RTENV_API Result<Downloaded> download_to_descriptor(std::string_view uri, int descriptor,
                                                    const DownloadOptions& options = {});

struct StoredObject {
  std::string uri = {};
  std::uint64_t size_bytes = 0;
  std::optional<std::int64_t> modified_ms = {};  // since 1970; nullopt: the store doesn't say
};
/// Takes the objects of a list as they arrive, on the calling thread. An exception is an error
/// (invalid_argument).
using OnStoredObject = std::function<Result<void>(const StoredObject&)>;
/// The objects whose names begin as `prefix`, in all folders below. Web servers and job servers
/// have no list. Fails also: as `on_object`.
RTENV_API Result<void> list_objects(std::string_view prefix, const OnStoredObject& on_object,
                                    const FetchOptions& options = {});

struct PushOptions : PackOptions {
  bool anonymous = false;  // no credentials are sent
};

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
                              const PushOptions& options = {});
/// Uploads what it reads from a descriptor, which stays the caller's. Below a folder, it is named
/// as an archive (Scheme::archive). Fails also: invalid_argument (no archive, and no name).
RTENV_API Result<Pushed> push_from_descriptor(int descriptor, std::string_view uri,
                                              const PushOptions& options = {});

}  // namespace rtenv
