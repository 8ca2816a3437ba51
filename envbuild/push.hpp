// Uploads packages to the store that a URI names. A directory is packed during the upload, without
// a temporary file; a file is sent unchanged.
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
  bool uploaded = false;  // false: the job server already had it
  // Of a directory.
  std::optional<pkg::PackageName> package;
  pkg::Tree tree;  // empty unless it was uploaded
};

/// Uploads to exactly `uri`, or below it, under the package's own name, if it ends with '/' or is
/// gcs://. A job server names packages by their content: any other name is refused, and a package
/// that it already has isn't sent. Fails: invalid_argument, changed (the directory
/// meanwhile), as pkg::name_directory, pkg::pack_directory and the store.
Result<Pushed> push_directory(const Path& directory, const pkg::PackageOptions& package,
                              const remote::Uri& uri, const PushOptions& options);

/// The same for a file. Fails: invalid_argument, changed (the file, meanwhile), as read
/// and the store.
Result<Pushed> push_file(const Path& file, const remote::Uri& uri, const PushOptions& options);

/// The same for what `descriptor` reads, which is copied to a temporary file first. Below a prefix,
/// it gets Ray's name for an archive with this content. Fails: invalid_argument (no archive, and no
/// name in the URI), as SpooledInput::read and push_file.
Result<Pushed> push_input(int descriptor, const remote::Uri& uri, const PushOptions& options);

}  // namespace rtenv::envbuild
