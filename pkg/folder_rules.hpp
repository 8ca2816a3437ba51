// The ignore rules that apply in a folder of the tree: the `excludes` option, the folder's ignore
// files, and those of its parents up to the root. There are two semantics:
//
// ray: a path is excluded if any source excludes it. A source is one file, or `excludes`; within a
// source, the last matching rule decides. A nested file can't include again what an outer one
// excludes. A folder's own files also apply to the folder itself ("*" in build/.gitignore excludes
// build), except to the root (ray#53635).
//
// git: the last matching rule of all sources decides. Deeper files come after outer ones, a
// folder's .rayignore after its .gitignore, and `excludes` after everything. As with `git
// check-ignore --no-index`, but without the user's own settings (core.excludesFile,
// .git/info/exclude): a package must not depend on who creates it.
//
// In both, what matches a pattern of `includes` isn't excluded, and an excluded folder isn't
// entered.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/ignore.hpp"
#include "pkg/scan_options.hpp"

namespace rtenv::pkg {

/// The names of a folder's ignore files, in the order in which FolderRules expects them.
inline constexpr std::array<std::string_view, 2> k_ignore_files{".gitignore", ".rayignore"};

/// A rule that excludes an entry. Points into its FolderRules.
struct Verdict {
  const IgnoreFile* source;
  const IgnoreRule* rule;
  /// "build/.gitignore:3: *.o", "excludes: *.log"
  [[nodiscard]] std::string reason() const;
};

/// The rules that aren't in the tree.
struct UserRules {
  IgnoreFile excludes;
  IgnoreFile includes;
  explicit UserRules(const ScanOptions& options)
      : excludes(IgnoreFile::from_patterns(options.excludes, "excludes", options.semantics)),
        includes(IgnoreFile::from_patterns(options.includes, "includes", options.semantics)) {}
};

/// Immutable, safe to share between threads. Only folders with ignore files have their own rules;
/// the others share their parent's.
class FolderRules {
 public:
  /// The rules of the root, before its ignore files are read. Requires: `rules` outlive it.
  FolderRules(const UserRules& rules, IgnoreSemantics semantics)
      : user_(rules), semantics_(semantics) {}
  /// The rules of the folder at `path` (empty for the root), whose ignore files are in the order of
  /// k_ignore_files. Keeps `outer` alive.
  FolderRules(std::shared_ptr<const FolderRules> outer, std::string path,
              std::vector<IgnoreFile> files)
      : user_(outer->user_),
        semantics_(outer->semantics_),
        path_(std::move(path)),
        files_(std::move(files)),
        outer_(std::move(outer)) {}

  /// The rule that excludes `path`, which is below this folder; nullopt if none does.
  [[nodiscard]] std::optional<Verdict> excluded(std::string_view path, bool directory) const;
  /// The rule in the folder's own files that excludes the folder; nullopt if none does.
  [[nodiscard]] std::optional<Verdict> excludes_itself() const;

 private:
  [[nodiscard]] std::optional<Verdict> excluded_as_ray(std::string_view path) const;
  [[nodiscard]] std::optional<Verdict> excluded_as_git(std::string_view path, bool directory) const;
  [[nodiscard]] std::string_view relative(std::string_view path) const {
    return path_.empty() ? path : path.substr(path_.size() + 1);
  }

  const UserRules& user_;
  IgnoreSemantics semantics_;
  std::string path_;
  std::vector<IgnoreFile> files_;
  std::shared_ptr<const FolderRules> outer_;
};

}  // namespace rtenv::pkg
