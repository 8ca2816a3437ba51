// Brings what a URI names into the cache: an object as a file, or an archive as the folder that it
// unpacks to.
//
// An object that hasn't changed since isn't fetched again: its version (ETag, generation) is asked
// for by one request and compared with the one that was fetched; where the URI is pinned
// (#sha256=), nothing is asked. Of several processes that want one object, one fetches it and the
// others wait. The same content under two URIs is kept once.
#pragma once

#include <optional>

#include "cache/cache.hpp"
#include "remote/download.hpp"
#include "remote/object_store.hpp"

namespace rtenv::envbuild {

struct FetchOptions {
  remote::StoreOptions store;
  remote::OnProgress on_progress;
  unsigned threads = 1;  // for unpacking
};

struct Fetched {
  Path path;
  std::optional<cache::Lease> lease;  // nothing for file:// and local://, which are used in place
  bool from_cache = false;            // no byte of it was fetched by this call
};

/// The object under its own name. file:// is the file itself. Fails: as stat and download;
/// not_found.
Result<Fetched> fetch_file(const remote::Uri& uri, cache::Cache& cache,
                           const FetchOptions& options);

/// The files of an archive, read-only. Where everything lies in one top folder, that folder is
/// dropped, but for gcs://: as in Ray. local:// is the directory itself. Fails: as fetch_file and
/// unpack; invalid_argument (not an archive by its name).
Result<Fetched> fetch_tree(const remote::Uri& uri, cache::Cache& cache,
                           const FetchOptions& options);

}  // namespace rtenv::envbuild
