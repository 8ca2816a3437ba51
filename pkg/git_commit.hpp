// A commit's tree as a package sees it, read from the object database: what a clean checkout of it
// would hold, without one. The ignore files that count are the commit's own.
//
// As in a checkout: line ends and $Id$ as the commit's .gitattributes and the repository's
// configuration want them; submodules are empty folders, files of other filters (git-lfs) are what
// the database holds. Tree::warnings tells of both.
#pragma once

#include "pkg/scan.hpp"

namespace rtenv::pkg {

/// `directory` is a working tree, a folder in one, of which the same folder of the commit is taken,
/// or a bare repository. `revision` is anything that git rev-parse understands. Links that leave
/// the tree can't be followed: they are said, and not packed; in Links::follow they count by name
/// alone. Fails: not_found (no repository, no such revision or folder in it), corrupt (the
/// repository), cancelled.
Result<Tree> scan_commit(const Path& directory, const std::string& revision,
                         const ScanOptions& options);

}  // namespace rtenv::pkg
