// Walks a directory and finds the entries of its package, in parallel: one task per folder.
// pkg/folder_rules.hpp says which rules exclude an entry.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pkg/scan_options.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct ScannedFiles;
struct ScannedFolder;
struct UserRules;

/// What a walk found. Move-only; not thread-safe.
class Scan {
 public:
  /// Sockets, devices and links that lead nowhere are never opened: they are recorded in
  /// Tree::excluded (Links::keep, unless the link stays inside and is kept) or become entries of
  /// type name_only (Links::follow). Fails: not_found (the root), permission_denied (the root, or a
  /// folder below), invalid_argument (the root isn't a directory; a link back to its own parent
  /// folder), changed (meanwhile), cancelled; in the semantics git as RepositoryRules::load.
  static Result<Scan> run(const Path& root, const ScanOptions& options);
  Scan(Scan&&) noexcept;
  Scan& operator=(Scan&&) noexcept;
  ~Scan();

  /// Absolute.
  [[nodiscard]] const Path& root() const noexcept { return root_; }
  [[nodiscard]] bool is_empty() const;
  /// How many files and links, and how many folders below the root, the walk found.
  [[nodiscard]] std::pair<std::size_t, std::size_t> counts() const;
  /// Equal stamps mean equal entries with equal content. Nullopt if a file's stamp isn't settled.
  [[nodiscard]] std::optional<FileStamp> stamp() const;
  [[nodiscard]] const FileStamper& stamper() const noexcept { return stamper_; }
  /// Call after the files were read. Whether all paths still lead to the same folders with the same
  /// names: then the entries are those of one moment. Requires: the options of `run`.
  [[nodiscard]] bool names_are_unchanged(const ScanOptions& options);
  [[nodiscard]] Tree to_tree(unsigned threads) const;

 private:
  Scan(Path root, const FileStamper& stamper, const ScanOptions& options);
  [[nodiscard]] std::vector<ScannedFolder*> all_folders() const;
  [[nodiscard]] std::vector<ScannedFolder*> changed_folders(bool also_unsettled,
                                                            unsigned threads) const;
  [[nodiscard]] ScannedFiles scanned_files() const;
  Path root_;
  FileStamper stamper_;
  Links links_;
  std::unique_ptr<const UserRules> rules_;
  std::unique_ptr<ScannedFolder> top_;
};

/// The tree of Scan::run. Fails: as Scan::run.
Result<Tree> scan(const Path& root, const ScanOptions& options);

}  // namespace rtenv::pkg
