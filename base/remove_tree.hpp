// Removes an entry of an open folder with everything below it. By path: remove_tree in
// base/file.hpp.
#pragma once

#include "base/clone_tree.hpp"

namespace rtenv {

/// Removes folders of any depth and mode, but no file systems that are mounted below. Succeeds if
/// the entry doesn't exist. Doesn't follow symbolic links. Errors name it as `shown`. Fails:
/// permission_denied (a file system is mounted there), and by errno.
Result<void> remove_entry(EntryAt entry, const Path& shown);

}  // namespace rtenv
