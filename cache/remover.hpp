// Carries out what choose_evictions chose, or reports what would be removed. Internal to this
// folder.
#pragma once

#include "cache/cache_state.hpp"
#include "cache/inventory.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {

/// One use, by one thread.
class Remover {
 public:
  enum class Mode : std::uint8_t { dry_run, remove };

  /// Requires: the collector's lock, unless it is a dry run; the arguments outlive this object.
  Remover(CacheState& state, const Inventory& inventory, Trash& trash, Mode mode);

  /// A removal that fails is logged and doesn't stop those that follow. `cancellation` may be null.
  /// Fails: cancelled, and as the ledger.
  Result<CollectReport> run(const std::vector<Removal>& removals, const Cancellation* cancellation);

 private:
  Result<bool> remove(ItemIndex item);
  Result<bool> evict(const EntryRow& entry);
  Result<bool> remove_part(const Part& part);
  [[nodiscard]] std::uint64_t held_bytes() const;

  CacheState& state_;
  const Inventory& inventory_;
  Trash& trash_;
  Mode mode_;
  SpaceLeft space_;
  std::optional<UvFolder::Pruner> pruner_;
};

}  // namespace rtenv::cache
