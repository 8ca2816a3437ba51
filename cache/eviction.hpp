// The limits of a cache, and the choice of entries to evict: a pure function of the ledger's rows.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/entry.hpp"

namespace rtenv::cache {

struct Limits {
  std::optional<std::uint64_t> max_bytes;           // of all entries
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

enum class EvictionReason : std::uint8_t { age, kind_size, size, free_space };
std::string_view name(EvictionReason reason) noexcept;

struct Eviction {
  EntryRow entry;
  EvictionReason reason = EvictionReason::size;
};

/// Chooses the least recently used entries; never one that is leased, pinned or being built.
/// Requires: `rows` are ordered by last use. `free_bytes` is the free space of the disk. Files that
/// entries share count in each of them.
std::vector<Eviction> choose_evictions(const std::vector<EntryRow>& rows, const Limits& limits,
                                       std::uint64_t free_bytes, std::int64_t now_ms);

}  // namespace rtenv::cache
