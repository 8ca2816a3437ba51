// Finds the work tree of git that a folder is in, without libgit2.
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

}  // namespace rtenv::pkg
