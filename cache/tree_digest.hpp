// What an entry holds, as a digest: names, types, executable bits, link targets and contents. For telling whether a disk,
// or somebody, has changed it.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::cache {

/// XXH3-128 in 32 lower-case hex digits. Folders of the name `ignored` don't count, nor what is in them: what an entry's
/// users may add (empty: none). Fails: as read.
Result<std::string> tree_digest(const Path& folder, std::string_view ignored, unsigned threads);

}  // namespace rtenv::cache
