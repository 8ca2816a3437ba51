// Walks a directory and finds the entries of its package, in parallel: one task per folder.
// pkg/folder_rules.hpp says which rules exclude an entry.
#pragma once

#include "pkg/scan_options.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// Sockets, devices and dangling links are never opened: they are recorded in Tree::excluded
/// (Links::keep) or become entries of type name_only (Links::follow). Requires: `measure` if there
/// is a stamper. Fails: not_found, permission_denied (the root, or a folder below),
/// invalid_argument (the root isn't a directory; a link back to its own parent folder), cancelled.
Result<Tree> scan(const Path& root, const ScanOptions& options);

}  // namespace rtenv::pkg
