// Scans a commit: its tree as a clean checkout would write it, read from the object database. The
// commit's own ignore files apply, the .gitignore files only with `use_gitignore`: a committed file
// is tracked, and git ignores no tracked file. See decision 25.
//
// As in a checkout, line endings and $Id$ follow the commit's .gitattributes and the repository's
// configuration; a submodule is an empty folder, and a file with another filter (git-lfs) has the
// content that the database has. Tree::warnings lists both.
#pragma once

#include "pkg/scan_options.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// `directory` is a working tree, a folder in one (then the same folder of the commit is scanned),
/// or a bare repository. `revision` is anything that git rev-parse understands. A link whose target
/// isn't in the commit is recorded in Tree::excluded; with Links::follow its name alone counts.
/// Fails: not_found (no repository, no such revision or folder in it), invalid_argument (not a
/// commit; a link back to its own parent folder), corrupt (the repository), permission_denied
/// (another user's repository), cancelled.
Result<Tree> scan_commit(const Path& directory, const std::string& revision,
                         const ScanOptions& options);

}  // namespace rtenv::pkg
