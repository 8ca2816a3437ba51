// Symbolic links that an installer made in an environment. What works on the environment
// afterwards, outside of the installer's sandbox, could be led elsewhere by them.
#pragma once

#include <vector>

#include "base/fd.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::envbuild {

/// Fails: corrupt (a link, at any place, that wasn't in the folder when `virtualenv` was listed;
/// wheels can't have any).
Result<void> refuse_foreign_links(const Path& folder,
                                  const std::vector<cache::TreeItem>& virtualenv);

}  // namespace rtenv::envbuild
