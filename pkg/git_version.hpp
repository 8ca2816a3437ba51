// What a checkout says about its version, as `git describe` would find it.
#pragma once

#include <string>

#include "base/fd.hpp"

namespace rtenv::pkg {

/// "commit ID", and a digest of the tags if there are any: of the repository that `directory` is
/// the working tree of. Without a commit: "no commit". Fails: as GitRepository::open.
Result<std::string> git_version(const Path& directory);

}  // namespace rtenv::pkg
