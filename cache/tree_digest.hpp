// What an entry holds, as a digest: names, types, executable bits, link targets and contents. For telling whether a disk,
// or somebody, has changed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::cache {

struct DigestedFile {
  std::string path;  // within the folder
  std::uint64_t size_bytes = 0;
  bool executable = false;
  std::string digest;  // of the content
};

struct TreeDigest {
  std::string digits;               // of the whole folder
  std::vector<DigestedFile> files;  // by path
};

/// Digests are XXH3-128 in 32 lower-case hex digits. Folders of the name `ignored` don't count, nor what is in them: what an
/// entry's users may add (empty: none). Fails: as read.
Result<TreeDigest> tree_digest(const Path& folder, std::string_view ignored, unsigned threads);

}  // namespace rtenv::cache
