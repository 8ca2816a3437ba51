// Sends packages to where a URI leads: a directory is packed on its way, without a copy on this
// machine's disk; a file goes as it is.
#pragma once

#include "pkg/package.hpp"
#include "remote/download.hpp"
#include "remote/object_store.hpp"

namespace rtenv::envbuild {

struct PushOptions {
  remote::StoreOptions store;
  remote::OnProgress on_progress;
};

struct Pushed {
  remote::Uri uri;  // with the name that was added to a prefix
  std::uint64_t size_bytes = 0;
  bool uploaded = false;  // false: the job server had it
  pkg::Tree tree;         // of a directory: what was packed
};

/// To exactly `uri`; below it, under the package's own name, where it ends with '/' (or is gcs://).
/// A job server's packages are named by their content: another name is refused, and one that is
/// there isn't sent. Fails: as name_directory, pack_directory, and the store; invalid_argument;
/// unavailable (it changed meanwhile).
Result<Pushed> push_directory(const Path& directory, const pkg::PackageOptions& package,
                              const remote::Uri& uri, const PushOptions& options);

Result<Pushed> push_file(const Path& file, const remote::Uri& uri, const PushOptions& options);

}  // namespace rtenv::envbuild
