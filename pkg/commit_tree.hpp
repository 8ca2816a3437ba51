// The tree of a commit: looks up its objects, and follows links as the kernel would in a checkout.
// For one thread.
#pragma once

#include <optional>
#include <string>

#include "pkg/commit_source.hpp"

namespace rtenv::pkg {

/// An object of the commit at its real path: behind a link, its path in the package is another one.
struct CommitObject {
  std::string path;  // empty for the whole commit
  git_oid id;
  git_filemode_t mode;
};

class CommitTree {
 public:
  /// `root` is the commit's own tree. Requires: the repository and the source outlive it.
  /// Fails: corrupt.
  static Result<CommitTree> open(const GitRepository& repository, const CommitSource& source,
                                 const git_oid& root);

  /// Whether a checkout could convert any file. If not, callers needn't look up the attributes of
  /// each file, which costs more than reading it.
  [[nodiscard]] bool converts() const noexcept { return converts_; }

  /// The objects in a folder: each has a plain name of its own. Fails: corrupt.
  Result<std::vector<CommitObject>> list(const CommitObject& folder) const;
  /// The content of a file or the target of a link. Fails: corrupt.
  Result<std::string> text_of(const CommitObject& object) const;
  /// The file or folder that the link at the real path `link` leads to; nullopt if it isn't in the
  /// commit. Fails: corrupt.
  Result<std::optional<CommitObject>> follow(const std::string& link,
                                             const std::string& target) const;

 private:
  CommitTree(const GitRepository& repository, const CommitSource& source, const git_oid& root)
      : repository_(&repository), source_(&source), root_(root) {}
  Result<GitOwned<git_tree>> lookup(const git_oid& id) const;
  Result<bool> may_convert() const;
  Result<bool> has_attributes() const;

  const GitRepository* repository_;
  const CommitSource* source_;
  git_oid root_;
  bool converts_ = false;
};

/// The error for an object that no git would have committed. Code: corrupt.
Failure refuse_object(std::string_view reason);

/// The object of this name among those of a folder; null if there is none.
const CommitObject* find_object(const std::vector<CommitObject>& folder, std::string_view name);

}  // namespace rtenv::pkg
