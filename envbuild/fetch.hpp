// Fetches the object that a URI names into the cache: as a file, or as the folder that the archive
// unpacks to.
//
// An unchanged object isn't fetched again: one request asks for its version (ETag, generation),
// which is compared with that of the last fetch. A pinned URI (#sha256=) needs no request if
// something with this digest is in the cache, wherever it came from. If several processes need the
// same object, one fetches it and the others wait. Equal content from two URIs is stored once.
#pragma once

#include "envbuild/leased_path.hpp"
#include "remote/download.hpp"
#include "remote/object_store.hpp"
#include "runtime_env/requirements.hpp"

namespace rtenv::envbuild {

struct FetchOptions {
  remote::StoreOptions store;
  remote::OnProgress on_progress;
  unsigned threads = 1;  // for unpacking
  /// Uses what was fetched last, whatever version the store has now.
  bool offline = false;
  runtime_env::PathCheck check_path;  // of file:// and local://; may be empty
};

struct Fetched {
  LeasedPath object;        // without a lease if it is used in place
  bool from_cache = false;  // this call didn't download anything
};

/// Whether the URI names an object, at a path that may be read. Fails: invalid_argument (no
/// object), as FetchOptions::check_path.
Result<void> check_fetchable(const remote::Uri& uri, const FetchOptions& options);

/// Fetches the object as a file with the object's name. A file:// without a pin is used in place.
/// Fails: not_found (also: offline, and not in the cache), as check_fetchable, path_kind,
/// ObjectStore::stat and remote::download.
Result<Fetched> fetch_file(const remote::Uri& uri, cache::Cache& cache,
                           const FetchOptions& options);

/// The file in the cache that has the URI's pin and name; nullopt if there is none, or no pin.
/// Fails: as Cache::find.
Result<std::optional<LeasedPath>> find_pinned_file(const remote::Uri& uri, cache::Cache& cache);

/// Fetches and unpacks an archive; the files are read-only. An only top folder is dropped, except
/// for gcs://, as in Ray. Fails: invalid_argument (no archive extension), as fetch_file and
/// pkg::unpack.
Result<Fetched> fetch_tree(const remote::Uri& uri, cache::Cache& cache,
                           const FetchOptions& options);

}  // namespace rtenv::envbuild
