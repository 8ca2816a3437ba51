// Restores a copy of a tree: what differs from its stamps is replaced from the tree, and what isn't
// in them is removed.
#pragma once

#include <cstddef>

#include "base/cancellation.hpp"
#include "base/file_system.hpp"
#include "job/tree_stamps.hpp"

namespace rtenv::job {

struct RepairOptions {
  /// Of the copy's file system. Unless it is every_change, the contents of files are compared, too.
  ChangeTimes change_times = ChangeTimes::unknown;
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
};

/// Compares the tree in `folder` with its stamps in parallel, with one lstat(2) for each path if
/// nothing differs, and restores it from the tree `from`. Removes everything else from `folder`
/// but the entry `kept`. Returns the number of paths that differed; if it isn't 0, updates the
/// stamps. A file that the job can still write to by another name is replaced by a new one. Doesn't
/// wait, see `settle`. After a failure the copy can differ anywhere, and the stamps tell nothing.
/// Requires: no process writes below `folder`. Fails: cancelled, permission_denied
/// (something is mounted there), corrupt (the tree isn't as stamped; attributes of `folder` were
/// changed), and by errno.
Result<std::size_t> repair_tree(const Path& folder, const Path& from, const char* kept,
                                TreeStamps& stamps, const RepairOptions& options);

}  // namespace rtenv::job
