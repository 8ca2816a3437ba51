// Names, packs and copies a directory: scan and digest in one call. What changes meanwhile is read
// again, a few times: each file is in one of its states, and names and folders are those of one
// moment.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <variant>

#include "pkg/byte_sink.hpp"
#include "pkg/content_source.hpp"
#include "pkg/digest.hpp"
#include "pkg/package_stats.hpp"
#include "pkg/scan.hpp"
#include "pkg/scan_options.hpp"
#include "pkg/tree.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::pkg {

struct PackageOptions {
  ScanOptions scan;  // `links` is overridden by the scheme: only Ray's follows links
  ZipOptions zip;    // scheme, compression, threads, cancellation
  /// Takes the directory from this commit of its repository, not from the disk; see
  /// pkg/git_commit.hpp.
  std::optional<std::string> git_revision;
  /// The folder in which name_directory caches digests, see pkg/digest_cache.hpp; nullopt: no
  /// cache.
  std::optional<Path> digest_cache;
  std::chrono::nanoseconds settle_time = FileStamper::k_settle_time;
};

/// A directory as it was when it was named. Move-only; not thread-safe.
class NamedDirectory {
 public:
  NamedDirectory(PackageName name, std::variant<Scan, Tree> content, unsigned threads,
                 const PackageStats& stats)
      : name_(std::move(name)), content_(std::move(content)), threads_(threads), stats_(stats) {}

  [[nodiscard]] const PackageName& name() const noexcept { return name_; }
  /// Made at the first call if the directory hadn't changed since it was named before.
  const Tree& tree();
  /// Moves it out of this object.
  Tree take_tree() &&;
  [[nodiscard]] const PackageStats& stats() const noexcept { return stats_; }

 private:
  PackageName name_;
  std::variant<Scan, Tree> content_;
  unsigned threads_;
  PackageStats stats_;
};

/// Scans and names a directory. Fails: as Scan::run, scan_commit and digest.
Result<NamedDirectory> name_directory(const Path& root, PackageOptions options);

/// The entries that a package of the directory would have; no file is read. Fails: as Scan::run and
/// scan_commit.
Result<Tree> list_directory(const Path& root, const PackageOptions& options);

struct PackedDirectory {
  Tree tree;
  WrittenZip zip;
  PackageStats stats;
};

/// Opens the target of a package; called again for the retry.
using MakeSink = std::function<Result<ByteSink>()>;

/// Scans a directory and writes its package. Fails: as Scan::run, scan_commit, write_zip and
/// `make_sink`.
Result<PackedDirectory> pack_directory(const Path& root, PackageOptions options,
                                       const MakeSink& make_sink);

/// Copies a named tree into the new folder `target`. The copy is the same as an unpacked package.
/// Fails: changed (a file since it was named), out_of_space, cancelled, and as
/// ContentReader.
Result<void> copy_tree(NamedDirectory& named, const Path& target, const DigestOptions& options);

}  // namespace rtenv::pkg
