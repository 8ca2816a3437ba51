// Evicts entries beyond limits. One process at a time evicts: what one frees, the next one doesn't
// have to. Internal to this folder.
#pragma once

#include "cache/cache_state.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {

/// If another process already evicts entries of this cache.
enum class OtherCollector : std::uint8_t { wait_for, leave_to };

class Collector {
 public:
  explicit Collector(CacheState& state) : state_(state) {}

  /// See Cache::collect.
  Result<CollectReport> collect(const Limits& limits, bool dry_run,
                                const Cancellation* cancellation);
  /// Evicts entries beyond the state's limits. `cancellation` may be null. A failure is logged.
  void enforce_limits(OtherCollector other, const Cancellation* cancellation);

 private:
  Result<bool> exceeds_limits();
  Result<void> evict_beyond_limits(OtherCollector other, const Cancellation* cancellation);
  void measure_again(EntryRow& row);
  Result<std::vector<Eviction>> choose(const Limits& limits, CollectReport& report);
  Result<CollectReport> evict(const Limits& limits, bool dry_run, Trash& trash,
                              const Cancellation* cancellation);

  CacheState& state_;
};

}  // namespace rtenv::cache
