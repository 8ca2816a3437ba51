// Walks a directory and finds the entries of its package, in parallel: one task per folder.
// pkg/folder_rules.hpp says which rules exclude an entry.
#pragma once

#include <memory>
#include <optional>

#include "pkg/scan_options.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct ScannedFolder;

/// What a walk found. Move-only; not thread-safe.
class Scan {
 public:
  /// Sockets, devices and dangling links are never opened: they are recorded in Tree::excluded
  /// (Links::keep) or become entries of type name_only (Links::follow). Requires: `measure` if
  /// there is a stamper. Fails: not_found, permission_denied (the root, or a folder below),
  /// invalid_argument (the root isn't a directory; a link back to its own parent folder),
  /// cancelled.
  static Result<Scan> run(const Path& root, const ScanOptions& options);
  Scan(Scan&&) noexcept;
  Scan& operator=(Scan&&) noexcept;
  ~Scan();

  /// Absolute.
  [[nodiscard]] const Path& root() const noexcept { return root_; }
  [[nodiscard]] bool is_empty() const;
  /// Equal stamps mean equal entries with equal content. Nullopt if a file has no stamp.
  [[nodiscard]] std::optional<FileStamp> stamp() const;
  [[nodiscard]] Tree to_tree(unsigned threads) const;

 private:
  Scan(Path root, std::optional<FileStamper> stamper, std::unique_ptr<ScannedFolder> top);
  Path root_;
  std::optional<FileStamper> stamper_;
  std::unique_ptr<ScannedFolder> top_;
};

/// The tree of Scan::run. Fails: as Scan::run.
Result<Tree> scan(const Path& root, const ScanOptions& options);

}  // namespace rtenv::pkg
