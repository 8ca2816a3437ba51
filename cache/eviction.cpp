#include "cache/eviction.hpp"

namespace rtenv::cache {
namespace {

// The sizes that the limits apply to.
class Totals {
 public:
  Totals(const std::vector<EntryRow>& rows, const Limits& limits, std::uint64_t free_bytes,
         std::int64_t now_ms)
      : limits_(limits), now_ms_(now_ms), free_bytes_(free_bytes) {
    for (const EntryRow& row : rows) {
      bytes_ += row.size_bytes;
      bytes_of_kind_[row.kind] += row.size_bytes;
    }
    if (limits.min_free_bytes && free_bytes < *limits.min_free_bytes)
      needed_free_bytes_ = std::max(*limits.min_free_bytes, limits.target_free_bytes.value_or(0));
  }

  // Why the entry should be evicted; nullopt: it can stay.
  [[nodiscard]] std::optional<EvictionReason> reason(const EntryRow& row) const {
    if (limits_.max_age &&
        now_ms_ - row.last_used_ms > std::chrono::milliseconds(*limits_.max_age).count())
      return EvictionReason::age;
    const auto of_kind = limits_.max_bytes_of_kind.find(row.kind);
    if (of_kind != limits_.max_bytes_of_kind.end() && bytes_of_kind_.at(row.kind) > of_kind->second)
      return EvictionReason::kind_size;
    if (limits_.max_bytes && bytes_ > *limits_.max_bytes) return EvictionReason::size;
    if (free_bytes_ < needed_free_bytes_) return EvictionReason::free_space;
    return std::nullopt;
  }

  void subtract(const EntryRow& row) {
    bytes_ -= row.size_bytes;
    bytes_of_kind_[row.kind] -= row.size_bytes;
    free_bytes_ += row.size_bytes;
  }

 private:
  const Limits& limits_;
  std::int64_t now_ms_;
  std::uint64_t free_bytes_;
  std::uint64_t needed_free_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<Kind, std::uint64_t> bytes_of_kind_;
};

}  // namespace

std::string_view name(EvictionReason reason) noexcept {
  switch (reason) {
    case EvictionReason::age: return "age";
    case EvictionReason::kind_size: return "kind_size";
    case EvictionReason::size: return "size";
    default: return "free_space";
  }
}

std::vector<Eviction> choose_evictions(const std::vector<EntryRow>& rows, const Limits& limits,
                                       std::uint64_t free_bytes, std::int64_t now_ms) {
  Totals totals(rows, limits, free_bytes, now_ms);
  std::vector<Eviction> evictions;
  for (const EntryRow& row : rows) {
    if (!row.evictable()) continue;
    const auto reason = totals.reason(row);
    if (!reason) continue;
    totals.subtract(row);
    evictions.push_back({row, *reason});
  }
  return evictions;
}

}  // namespace rtenv::cache
