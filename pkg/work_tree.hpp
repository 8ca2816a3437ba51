// Finds the repository of git or the work tree that a folder is in, without libgit2.
#pragma once

#include <optional>

#include "base/fd.hpp"

namespace rtenv::pkg {

/// Whether `folder` is the top of a work tree: it has a .git that is a repository, or a file there
/// that names one (of a submodule, or of `git worktree add`).
bool is_work_tree(const Path& folder);

/// The top of the work tree that `folder` is in; nullopt if it is in none, or in a .git. As git
/// does, looks no further than the folder's file system. Requires: an absolute path without links.
std::optional<Path> find_work_tree(const Path& folder);

struct RepositoryPlace {
  Path top;         // of the work tree, or the bare repository
  Path git_dir;     // its own files
  Path common_dir;  // those that it shares with other work trees
};

/// The repository that `folder` is in the work tree of, or is. As find_work_tree, with any path.
std::optional<RepositoryPlace> find_repository(const Path& folder);

}  // namespace rtenv::pkg
