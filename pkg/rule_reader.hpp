// Reads the rules of a folder that is being scanned: its ignore files, and what git's repository
// says if the folder is the root or has a repository of its own.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/directory_reader.hpp"
#include "pkg/scan_options.hpp"
#include "pkg/scan_root.hpp"
#include "pkg/scanned_folder.hpp"

namespace rtenv::pkg {

/// Immutable, safe to share between threads.
class RuleReader {
 public:
  /// Requires: all outlive it. `root` is absolute.
  RuleReader(const Path& root, const FileStamper& stamper, const ScanOptions& options)
      : root_{root}, stamper_(stamper), options_(options) {}

  /// Sets the folder's rules, its rule files and its repository. `fd` is the folder, `items` is
  /// what is in it. Fails: changed, permission_denied, invalid_argument (a file is too large); as
  /// RepositoryRules::load.
  Result<void> read(const Fd& fd, std::span<const DirectoryReader::Item> items,
                    ScannedFolder& folder) const;

 private:
  [[nodiscard]] Result<FolderRules::Repository> repository_of(const ScannedFolder& folder,
                                                              bool has_dot_git) const;
  Result<std::optional<std::string>> read_file(const Fd& fd, std::string_view name,
                                               const std::string& path,
                                               ScannedFolder& folder) const;

  ScanRoot root_;
  const FileStamper& stamper_;
  const ScanOptions& options_;
};

}  // namespace rtenv::pkg
