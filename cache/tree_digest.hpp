// What an entry holds, as a digest: names, types, executable bits, link targets and contents. For
// telling whether a disk, or somebody, has changed it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::cache {

enum class ItemType : char {
  directory = 'd',
  file = 'f',
  executable = 'x',
  link = 'l',
  other = 'o'
};

struct TreeItem {
  std::string path;  // within the folder
  ItemType type = ItemType::directory;
  std::uint64_t size_bytes = 0;  // of a file
  std::string content;           // a file's digest, once it is known; a link's target

  [[nodiscard]] bool is_file() const noexcept {
    return type == ItemType::file || type == ItemType::executable;
  }
};

/// All that is in the folder, by path. Folders of the name `ignored` don't count, nor what is in
/// them: what an entry's users may add (empty: none). Fails: as read.
Result<std::vector<TreeItem>> list_tree(const Path& folder, std::string_view ignored);

/// Digests are XXH3-128 in 32 lower-case hex digits. Fails: as read.
Result<std::string> file_digest(const Path& file);
Result<void> digest_files(const Path& folder, std::vector<TreeItem>& items, unsigned threads);
/// Of a whole folder whose files are digested.
std::string digest_of(const std::vector<TreeItem>& items);

struct TreeDigest {
  std::string digits;
  std::vector<TreeItem> items;
};

/// All three.
Result<TreeDigest> tree_digest(const Path& folder, std::string_view ignored, unsigned threads);

}  // namespace rtenv::cache
