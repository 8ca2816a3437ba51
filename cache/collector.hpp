// Evicts entries beyond limits, and with them parts of uv's folder and quarantined entries. One
// process at a time evicts: what one frees, the next one doesn't have to. Internal to this folder.
#pragma once

#include "cache/cache_state.hpp"
#include "cache/remover.hpp"

namespace rtenv::cache {

class Collector {
 public:
  explicit Collector(CacheState& state) : state_(state) {}

  /// See Cache::collect. `cancellation` may be null.
  Result<CollectReport> collect(const Limits& limits, bool dry_run,
                                const Cancellation* cancellation);
  /// See Cache::enforce_limits. `cancellation` may be null.
  void enforce_limits(const Cancellation* cancellation);

 private:
  Result<bool> exceeds_limits();
  Result<std::optional<LockFile>> lock_or_leave_note();
  [[nodiscard]] bool take_note() const;
  Result<bool> evict_once(const Cancellation* cancellation);
  Result<void> evict_beyond_limits(const Cancellation* cancellation);
  Result<CollectReport> evict(const Limits& limits, OutOfReach out_of_reach, Remover::Mode mode,
                              Trash& trash, const Cancellation* cancellation);
  Result<void> look_at_builds(const Cancellation* cancellation);

  CacheState& state_;
};

}  // namespace rtenv::cache
