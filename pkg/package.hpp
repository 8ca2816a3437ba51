// From a directory to its name, to its package, to its copy: scan and digest in one call, tried
// once more where a file changed meanwhile.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "pkg/digest.hpp"
#include "pkg/scan.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::pkg {

struct PackageOptions {
  ScanOptions scan;  // `links` follows from the scheme: only Ray's follows links
  ZipOptions zip;    // scheme, compression, threads, cancellation
  /// Not the directory as it is, but as it is in this commit of its repository; see
  /// pkg/git_commit.hpp.
  std::optional<std::string> git_revision;
  /// Where the digests of unchanged files are remembered for name_directory; nothing: nowhere.
  std::optional<Path> digest_cache;
  std::chrono::nanoseconds settle_time = FileStamper::k_settle_time;
};

struct NamedTree {
  Tree tree;
  PackageName name;
};

/// Scans and names. Fails: as scan and digest.
Result<NamedTree> name_directory(const Path& root, PackageOptions options);

struct PackedDirectory {
  Tree tree;
  WrittenZip zip;
};

/// Where a package goes, asked for anew at every try.
using MakeSink = std::function<Result<ByteSink>()>;

/// Scans and writes the package.
Result<PackedDirectory> pack_directory(const Path& root, PackageOptions options,
                                       const MakeSink& make_sink);

/// Copies a named tree into `target`, a new folder, as unpacking its package would make it.
/// Fails: unavailable where a file isn't what it was when it was named; and as read, write.
Result<void> copy_tree(const NamedTree& named, const Path& target, const DigestOptions& options);

}  // namespace rtenv::pkg
