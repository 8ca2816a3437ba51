// The limits of a cache, and the choice of what to remove: a pure function of an inventory.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/entry.hpp"

namespace rtenv::cache {

struct Inventory;

struct Limits {
  std::optional<std::uint64_t> max_bytes;           // of all entries and folders
  std::map<Kind, std::uint64_t> max_bytes_of_kind;  // of all entries of a kind
  std::optional<std::chrono::seconds> max_age;      // since the last use
  /// If less than `min_free_bytes` of the disk are free, entries are evicted until
  /// `target_free_bytes` are. Two marks, so that a full disk doesn't cause an eviction at every
  /// step.
  std::optional<std::uint64_t> min_free_bytes;
  std::optional<std::uint64_t> target_free_bytes;  // nullopt: min_free_bytes

  [[nodiscard]] bool empty() const {
    return !max_bytes && max_bytes_of_kind.empty() && !max_age && !min_free_bytes;
  }
};

/// What to do about a limit that can't be kept, because of what is in use or pinned, or because of
/// other programs.
enum class OutOfReach : std::uint8_t {
  /// Come as close to it as possible: for somebody who asks for it.
  approach,
  /// What can't be removed doesn't drive out the rest. A size limit then applies to the rest alone,
  /// and nothing is removed for free space.
  spare_the_rest,
};

enum class EvictionReason : std::uint8_t { age, kind_size, size, free_space };
std::string_view name(EvictionReason reason) noexcept;

/// An evicted entry. Its size is what its removal gave back.
struct Eviction {
  EntryRow entry;
  EvictionReason reason = EvictionReason::size;
};

/// An entry or a part to remove.
struct Removal {
  std::size_t item = 0;  // see Inventory
  EvictionReason reason = EvictionReason::size;
};

/// Chooses first the parts that no environment needs, then the least recently used entries, each
/// followed by the parts that only it needed; never an entry that is leased, pinned or being built.
/// Returns them in the order in which to remove them. `free_bytes` is the free space of the disk.
std::vector<Removal> choose_evictions(const Inventory& inventory, const Limits& limits,
                                      std::uint64_t free_bytes, std::int64_t now_ms,
                                      OutOfReach out_of_reach);

}  // namespace rtenv::cache
