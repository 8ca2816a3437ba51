// Remembers which SHA-256 belongs to an XXH3-128: installed files are compared with SHA-256
// digests, which take three times as long to compute, and most files of an environment are in
// others, too. It finds damage; who forges a content with the same XXH3-128 can as well change this
// file.
//
//   CACHE/digests/contents := "rtenv-contents-2" | count | XXH3-128 of the records | record*count
//   record := size | XXH3-128 | SHA-256          sorted; native byte order
//
// Replaced as a whole: of several processes, the last one wins. A damaged file is treated as empty.
#pragma once

#include <optional>
#include <vector>

#include "base/hash.hpp"

namespace rtenv::cache {

struct TreeItem;

class KnownContents {
 public:
  /// Smaller files are hashed faster than they are remembered.
  static constexpr std::uint64_t k_min_bytes = 16U << 10U;

  /// Of the cache with this root.
  static KnownContents open(const Path& root);

  /// Whether a content of this size is known. Thread-safe.
  [[nodiscard]] bool has_size(std::uint64_t size_bytes) const;
  /// Thread-safe.
  [[nodiscard]] std::optional<Sha256::Bytes> find(std::uint64_t size_bytes,
                                                  const Xxh3::Bytes& xxh3) const;

  /// Adds the files that have both digests. A failure is logged: the next build takes longer.
  void remember(const std::vector<TreeItem>& items);

 private:
  struct Record {
    std::uint64_t size_bytes = 0;
    Xxh3::Bytes xxh3{};
    Sha256::Bytes sha256{};
    friend auto operator<=>(const Record&, const Record&) = default;
  };
  explicit KnownContents(Path file) : file_(std::move(file)) {}
  void load();
  [[nodiscard]] Result<void> save() const;

  Path file_;
  std::vector<Record> records_;  // sorted
};

}  // namespace rtenv::cache
