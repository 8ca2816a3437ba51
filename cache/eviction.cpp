#include "cache/eviction.hpp"

#include <algorithm>

#include "cache/inventory.hpp"

namespace rtenv::cache {
namespace {

// What is taken up and free when some items were removed.
struct Totals {
  Totals(const Inventory& inventory, std::uint64_t free) : space(inventory), free_bytes(free) {
    for (const EntryRow& row : inventory.entries) of_kind[row.kind] += row.size_bytes;
  }

  SpaceLeft space;
  std::uint64_t free_bytes;
  std::map<Kind, std::uint64_t> of_kind;
};

class Choice {
 public:
  Choice(const Inventory& inventory, const Limits& limits, std::uint64_t free_bytes,
         std::int64_t now_ms)
      : inventory_(inventory), limits_(limits), now_ms_(now_ms), totals_(inventory, free_bytes) {
    if (limits.min_free_bytes && free_bytes < *limits.min_free_bytes)
      needed_free_bytes_ = std::max(*limits.min_free_bytes, limits.target_free_bytes.value_or(0));
  }

  // See OutOfReach::spare_the_rest.
  void spare_the_rest() {
    Totals least = totals_;
    for (ItemIndex item = 0; item < inventory_.items(); ++item)
      if (inventory_.is_part(item) || inventory_.entries[item].evictable()) remove(item, least);
    if (limits_.max_bytes && least.space.cache_bytes() > *limits_.max_bytes)
      *limits_.max_bytes += least.space.cache_bytes();
    for (auto& [kind, max_bytes] : limits_.max_bytes_of_kind)
      if (least.of_kind[kind] > max_bytes) max_bytes += least.of_kind[kind];
    if (needed_free_bytes_ <= least.free_bytes) return;
    needed_free_bytes_ = *limits_.min_free_bytes <= least.free_bytes ? *limits_.min_free_bytes : 0;
  }

  std::vector<Removal> run() && {
    remove_unneeded_parts();
    for (ItemIndex item = 0; item < inventory_.entries.size(); ++item) {
      const EntryRow& row = inventory_.entries[item];
      if (!row.evictable()) continue;
      const auto reason = reason_to_evict(item);
      if (!reason) continue;
      choose(item, *reason);
      if (row.kind == Kind::env) remove_unneeded_parts();
    }
    return std::move(removals_);
  }

 private:
  void remove(ItemIndex item, Totals& totals) const {
    const SpaceLeft::Gain gain = totals.space.remove(item);
    totals.free_bytes += gain.disk_bytes;
    if (!inventory_.is_part(item)) {
      const EntryRow& row = inventory_.entries[item];
      totals.of_kind[row.kind] -= row.size_bytes;
    }
  }

  void choose(ItemIndex item, EvictionReason reason) {
    remove(item, totals_);
    removals_.push_back({item, reason});
  }

  // First what is of no use to anyone.
  void remove_unneeded_parts() {
    remove_parts(Part::Place::quarantine);
    remove_parts(Part::Place::uv_folder);
  }

  void remove_parts(Part::Place place) {
    for (ItemIndex item = inventory_.entries.size(); item < inventory_.items(); ++item) {
      const Part& part = inventory_.part(item);
      if (part.place != place || !totals_.space.is_left(item)) continue;
      if (place == Part::Place::uv_folder && totals_.space.is_needed(item)) continue;
      if (const auto reason = reason_to_remove(part.last_used_ms)) choose(item, *reason);
    }
  }

  [[nodiscard]] std::optional<EvictionReason> reason_to_remove(std::int64_t last_used_ms) const {
    if (limits_.max_age &&
        now_ms_ - last_used_ms > std::chrono::milliseconds(*limits_.max_age).count())
      return EvictionReason::age;
    if (limits_.max_bytes && totals_.space.cache_bytes() > *limits_.max_bytes)
      return EvictionReason::size;
    if (totals_.free_bytes < needed_free_bytes_) return EvictionReason::free_space;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<EvictionReason> reason_to_evict(ItemIndex item) const {
    const EntryRow& row = inventory_.entries[item];
    const auto reason = reason_to_remove(row.last_used_ms);
    if (reason == EvictionReason::age) return reason;
    const auto of_kind = limits_.max_bytes_of_kind.find(row.kind);
    if (of_kind != limits_.max_bytes_of_kind.end() &&
        totals_.of_kind.at(row.kind) > of_kind->second)
      return EvictionReason::kind_size;
    return reason;
  }

  const Inventory& inventory_;
  Limits limits_;
  std::int64_t now_ms_;
  Totals totals_;
  std::uint64_t needed_free_bytes_ = 0;
  std::vector<Removal> removals_;
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

std::vector<Removal> choose_evictions(const Inventory& inventory, const Limits& limits,
                                      std::uint64_t free_bytes, std::int64_t now_ms,
                                      OutOfReach out_of_reach) {
  Choice choice(inventory, limits, free_bytes, now_ms);
  if (out_of_reach == OutOfReach::spare_the_rest) choice.spare_the_rest();
  return std::move(choice).run();
}

}  // namespace rtenv::cache
