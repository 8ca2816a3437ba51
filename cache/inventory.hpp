// What takes up space in a cache's folder: its entries, the parts of uv's own cache, quarantined
// entries, and the files that these share by hard links. A value: what is chosen for removal is a
// function of it. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fd.hpp"
#include "cache/entry.hpp"

namespace rtenv::cache {

/// Something that can be removed and isn't an entry.
struct Part {
  enum class Place : std::uint8_t { uv_folder, quarantine };
  Path path;
  Place place = Place::uv_folder;
  std::uint64_t own_bytes = 0;    // without files that environments have, too
  std::int64_t last_used_ms = 0;  // when it was made, or an environment began or ceased to use it
};

/// An index into Inventory: of an entry, or behind the entries of a part.
using ItemIndex = std::size_t;

/// Files of which several items have a name, or that have one outside of the cache.
struct SharedFiles {
  enum class Names : std::uint8_t { all_in_cache, some_elsewhere };
  std::vector<ItemIndex> owners;
  Names names = Names::all_in_cache;
  std::uint64_t bytes = 0;
};

struct Inventory {
  // Least recently used first. Their sizes are without files that others have, too.
  std::vector<EntryRow> entries;
  std::vector<Part> parts;  // the same order
  std::vector<SharedFiles> shared;
  /// To which limits don't apply: the ledger, the reserve, the temporary files of processes, and
  /// folders with limits of their own (Sweeper::limit_folders).
  std::uint64_t other_bytes = 0;

  [[nodiscard]] std::size_t items() const { return entries.size() + parts.size(); }
  [[nodiscard]] bool is_part(ItemIndex item) const { return item >= entries.size(); }
  [[nodiscard]] const Part& part(ItemIndex item) const { return parts[item - entries.size()]; }
};

/// The space that is taken up when some items were removed. Requires: the inventory outlives it.
class SpaceLeft {
 public:
  explicit SpaceLeft(const Inventory& inventory);

  struct Gain {
    std::uint64_t cache_bytes = 0;  // of the cache's folder, as du(1) counts
    std::uint64_t disk_bytes = 0;   // of the disk: without files that have names elsewhere
  };
  /// What the removal of an item gives back now.
  [[nodiscard]] Gain gain(ItemIndex item) const;
  /// Whether an entry that is left shares files with it.
  [[nodiscard]] bool is_needed(ItemIndex item) const;
  /// Returns what it gives back. Requires: the item is left.
  Gain remove(ItemIndex item);
  [[nodiscard]] bool is_left(ItemIndex item) const { return is_left_[item]; }
  /// Without other_bytes.
  [[nodiscard]] std::uint64_t cache_bytes() const { return cache_bytes_; }

 private:
  [[nodiscard]] std::uint64_t own_bytes(ItemIndex item) const;

  const Inventory* inventory_;
  std::vector<bool> is_left_;
  std::vector<std::vector<std::size_t>> shared_of_;  // of each item: indexes of shared files
  std::vector<std::size_t> owners_left_;             // of each group of shared files
  std::uint64_t cache_bytes_ = 0;
};

}  // namespace rtenv::cache
