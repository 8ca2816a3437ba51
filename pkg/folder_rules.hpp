// The ignore rules that apply in a folder of the tree: the `excludes` option, the folder's ignore
// files, and those of its parents up to the root. There are two semantics:
//
// ray: a path is excluded if any source excludes it. A source is one file, or `excludes`; within a
// source, the last matching rule decides. A nested file can't include again what an outer one
// excludes. A folder's own files also apply to the folder itself ("*" in build/.gitignore excludes
// build), except to the root (ray#53635).
//
// git: what git ignores is excluded, as `git ls-files --cached --others --exclude-standard` shows
// it. The last matching rule of all sources decides: from the weakest, the default excludes, the
// user's own file of git (core.excludesFile), .git/info/exclude, and the .gitignore files from the
// top of the work tree down, with those above the root; a folder's .rayignore comes after its
// .gitignore, and `excludes` after everything. Only .rayignore and `excludes` count for files that
// git tracks, and .git is always excluded. A folder below the root with a .git of its own is a
// repository of its own: no rule of git from outside counts in it, but what a repository outside
// tracks is tracked. The root itself isn't excluded.
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
#include "pkg/repository_rules.hpp"
#include "pkg/scan_options.hpp"

namespace rtenv::pkg {

/// The names of a folder's ignore files, in the order in which FolderRules expects them.
inline constexpr std::array<std::string_view, 2> k_ignore_files{".gitignore", ".rayignore"};

/// One of a folder's ignore files.
struct FolderFile {
  IgnoreFile rules;
  bool of_git;  // a .gitignore
};

/// A rule that excludes an entry. Points into its FolderRules.
struct Verdict {
  const IgnoreFile* source;
  const IgnoreRule* rule;
  bool of_git = false;  // it counts only for what git doesn't track
  /// "build/.gitignore:3: *.o", "excludes: *.log"
  [[nodiscard]] std::string reason() const;
};

/// The rules that aren't in the tree.
struct UserRules {
  IgnoreFile excludes;
  IgnoreFile includes;
  IgnoreFile git_defaults;  // git: the default excludes, which are the weakest
  IgnoreFile git_folder;    // git: what is always excluded
  explicit UserRules(const ScanOptions& options);
};

/// Immutable, safe to share between threads. Only folders with ignore files or a repository, and
/// those that git ignores, have their own rules; the others share their parent's.
class FolderRules {
 public:
  using Repository = std::shared_ptr<const RepositoryRules>;

  /// The rules of the root, before its ignore files are read. Requires: `rules` outlive it.
  FolderRules(const UserRules& rules, IgnoreSemantics semantics)
      : user_(rules), semantics_(semantics) {}
  /// The rules of the folder at `path` (empty for the root). Keeps `outer` alive. `repository` is
  /// set if the folder is the root in a repository, or a repository of its own.
  FolderRules(std::shared_ptr<const FolderRules> outer, std::string path,
              std::vector<FolderFile> files, Repository repository = nullptr)
      : user_(outer->user_),
        semantics_(outer->semantics_),
        path_(std::move(path)),
        files_(std::move(files)),
        repository_(std::move(repository)),
        outer_(std::move(outer)) {}

  /// The rule that excludes `path`, which is below this folder; nullopt if none does.
  [[nodiscard]] std::optional<Verdict> excluded(std::string_view path, bool directory) const;
  /// The rule in the folder's own files that excludes the folder; nullopt if none does.
  [[nodiscard]] std::optional<Verdict> excludes_itself() const;
  /// git: the rule that ignores the folder at `path`, which is below this one and isn't excluded
  /// because git tracks something in it; nullopt if there is none.
  [[nodiscard]] std::optional<Verdict> ignored_folder(std::string_view path) const;
  /// git: the rules of that folder. Everything in it that git doesn't track is excluded.
  static std::shared_ptr<const FolderRules> of_ignored_folder(
      std::shared_ptr<const FolderRules> outer, std::string path, const Verdict& ignored);
  /// git: whether the repository's rules are matched without regard to case.
  [[nodiscard]] bool ignores_case() const;
  /// git: whether the folder at `path` is a submodule.
  [[nodiscard]] bool is_submodule(std::string_view path) const;

 private:
  [[nodiscard]] std::optional<Verdict> excluded_as_ray(std::string_view path) const;
  [[nodiscard]] std::optional<Verdict> excluded_as_git(std::string_view path, bool directory) const;
  [[nodiscard]] std::optional<Verdict> last_match(std::string_view path, bool directory,
                                                  bool tracked) const;
  [[nodiscard]] std::optional<Verdict> ignored_from_above() const;
  [[nodiscard]] const FolderRules* repository_top() const;
  [[nodiscard]] bool tracks(std::string_view path, bool directory) const;
  [[nodiscard]] std::string_view relative(std::string_view path) const {
    return path_.empty() ? path : path.substr(path_.size() + 1);
  }

  const UserRules& user_;
  IgnoreSemantics semantics_;
  std::string path_;
  std::vector<FolderFile> files_;
  std::optional<Verdict> ignored_;  // git: the folder is ignored, but something in it is tracked
  Repository repository_;
  std::shared_ptr<const FolderRules> outer_;
};

}  // namespace rtenv::pkg
