// Which ignore rules hold in a folder of the tree: the command's own `excludes`, the folder's
// ignore files, and those of its parents up to the root. Two semantics:
//
// ray: a path is out when any source says so, where a source is one file or `excludes`, and within
// it the last rule that matches decides. A nested file can't take back in what an outer one
// excluded. A folder's own files are asked about the folder itself, too ("*" in build/.gitignore
// excludes build); only the root can't be excluded (ray#53635).
//
// git: the last rule that matches decides, where `excludes` come after everything, deeper files
// after outer ones and a folder's .rayignore after its .gitignore. As with `git check-ignore
// --no-index`, without the user's own settings (core.excludesFile, .git/info/exclude): a package
// must not depend on who makes it.
//
// In both, an excluded folder isn't entered.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/ignore.hpp"

namespace rtenv::pkg {

/// What the ignore files of a folder are called, in the order in which FolderRules takes them.
inline constexpr std::array<std::string_view, 2> k_ignore_files{".gitignore", ".rayignore"};

/// A rule that leaves something out. Points into the rules it came from.
struct Verdict {
  const IgnoreFile* source;
  const IgnoreRule* rule;
  /// "build/.gitignore:3: *.o", "excludes: *.log"
  [[nodiscard]] std::string reason() const;
};

/// Immutable, safe to share between threads. Only folders with ignore files have rules of their
/// own; the others use their parent's, which these keep alive.
class FolderRules {
 public:
  /// What holds where no folder has rules. Requires: `excludes` outlives it.
  FolderRules(const IgnoreFile& excludes, IgnoreSemantics semantics)
      : excludes_(excludes), semantics_(semantics) {}
  /// Of the folder at `path` (empty for the root). Of two files, the later one comes last.
  FolderRules(std::shared_ptr<const FolderRules> outer, std::string path,
              std::vector<IgnoreFile> files)
      : excludes_(outer->excludes_),
        semantics_(outer->semantics_),
        path_(std::move(path)),
        files_(std::move(files)),
        outer_(std::move(outer)) {}

  /// The rule that leaves out `path`, which is below this folder; nothing where none does.
  [[nodiscard]] std::optional<Verdict> excluded(std::string_view path, bool directory) const;
  /// The rule by which the folder's own files leave out the folder.
  [[nodiscard]] std::optional<Verdict> excludes_itself() const;

 private:
  [[nodiscard]] std::optional<Verdict> excluded_as_ray(std::string_view path) const;
  [[nodiscard]] std::optional<Verdict> excluded_as_git(std::string_view path, bool directory) const;
  [[nodiscard]] std::string_view relative(std::string_view path) const {
    return path_.empty() ? path : path.substr(path_.size() + 1);
  }

  const IgnoreFile& excludes_;
  IgnoreSemantics semantics_;
  std::string path_;
  std::vector<IgnoreFile> files_;
  std::shared_ptr<const FolderRules> outer_;
};

}  // namespace rtenv::pkg
