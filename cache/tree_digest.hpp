// A digest of a folder: names, types, executable bits, link targets and file contents. Detects
// entries that a disk error or another program has changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/fd.hpp"
#include "base/hash.hpp"

namespace rtenv::cache {

class KnownContents;

enum class ItemType : char {
  directory = 'd',
  file = 'f',
  executable = 'x',
  link = 'l',
  other = 'o'
};

struct TreeItem {
  std::string path;  // relative to the folder
  ItemType type = ItemType::directory;
  std::uint64_t size_bytes = 0;         // of a file
  std::string content;                  // a file's digest, empty until computed; a link's target
  Xxh3::Bytes xxh3{};                   // of a file: the same digest
  std::optional<Sha256::Bytes> sha256;  // of a file, if digest_files was given known contents

  [[nodiscard]] bool is_file() const noexcept {
    return type == ItemType::file || type == ItemType::executable;
  }
};

/// Lists the folder recursively, sorted by path, without folders named `ignored` and their content:
/// those that an entry's users may write to. Empty: none. `cancellation` may be null. Fails:
/// cancelled, and as reading the folder.
Result<std::vector<TreeItem>> list_tree(const Path& folder, std::string_view ignored,
                                        const Cancellation* cancellation = nullptr);

/// Computes the digests that `items` don't have yet: XXH3-128, as 32 lower-case hex digits, and
/// with `known` also SHA-256, unless it is known. `cancellation` may be null. Fails: cancelled, and
/// as reading the files.
Result<void> digest_files(const Path& folder, std::vector<TreeItem>& items, unsigned threads,
                          const Cancellation* cancellation = nullptr,
                          const KnownContents* known = nullptr);
/// Digest of a folder. Requires: the digests of all files are computed.
std::string digest_of(const std::vector<TreeItem>& items);

/// Lists the folder, digests its files, and digests the list. `cancellation` may be null. Fails: as
/// list_tree and digest_files.
Result<std::string> tree_digest(const Path& folder, std::string_view ignored, unsigned threads,
                                const Cancellation* cancellation);

}  // namespace rtenv::cache
