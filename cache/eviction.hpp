// What a cache may keep, and which entries go where it holds more: a pure decision, taken before
// anything is touched.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "cache/ledger.hpp"

namespace rtenv::cache {

struct Limits {
  std::optional<std::uint64_t> max_bytes;           // of all entries
  std::map<Kind, std::uint64_t> max_bytes_of_kind;  // of all entries of a kind
  std::optional<std::chrono::seconds> max_age;      // since the last use
  /// Where less than `min_free_bytes` are free on the disk, entries go until `target_free_bytes`
  /// are: two marks, so that a full disk doesn't mean an eviction at every step.
  std::optional<std::uint64_t> min_free_bytes;
  std::optional<std::uint64_t> target_free_bytes;  // nothing: min_free_bytes

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

/// Least recently used first; never one that is held, pinned or being made. `rows` are in that
/// order. `free_bytes`: of the disk. Sizes are taken as if nothing were shared between entries.
std::vector<Eviction> choose_evictions(const std::vector<EntryRow>& rows, const Limits& limits,
                                       std::uint64_t free_bytes, std::int64_t now_ms);

}  // namespace rtenv::cache
