#include "cache/collector.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/file_system.hpp"
#include "base/log.hpp"
#include "cache/remover.hpp"
#include "cache/survey.hpp"
#include "cache/sweeper.hpp"

namespace rtenv::cache {
namespace {

void warn_of(const Result<void>& result) {
  if (!result) log::warn("{}", result.error().message());
}

}  // namespace

Result<CollectReport> Collector::collect(const Limits& limits, bool dry_run,
                                         const Cancellation* cancellation) {
  Trash trash(state_);
  auto report = [&]() -> Result<CollectReport> {
    RTENV_TRY(state_.ledger().check_present());
    RTENV_TRY(const LockFile lock,
              LockFile::acquire(
                  state_.locks() / k_collector_lock,
                  {.cancellation = cancellation, .on_wait = [] {
                     log::info("waiting for another process that evicts entries of the cache");
                   }}));
    if (!dry_run) {
      Sweeper sweeper(state_);
      warn_of(sweeper.remove_unknown_folders(trash));
      warn_of(sweeper.limit_folders());
      warn_of(sweeper.remove_free_locks());
    }
    return evict(limits, OutOfReach::approach,
                 dry_run ? Remover::Mode::dry_run : Remover::Mode::remove, trash, cancellation);
  }();
  RTENV_TRY(trash.empty(cancellation));
  return report;
}

Result<CollectReport> Collector::evict(const Limits& limits, OutOfReach out_of_reach,
                                       Remover::Mode mode, Trash& trash,
                                       const Cancellation* cancellation) {
  RTENV_TRY(const Inventory inventory, survey(state_, cancellation));
  RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(state_.root()));
  const auto removals = choose_evictions(inventory, limits, free_bytes, unix_ms(), out_of_reach);
  return Remover(state_, inventory, trash, mode).run(removals, cancellation);
}

Result<bool> Collector::exceeds_limits() {
  const Limits& limits = state_.limits();
  if (limits.max_bytes) {
    RTENV_TRY(const std::uint64_t size_bytes, state_.ledger().size_bytes());
    if (size_bytes > *limits.max_bytes) return true;
  }
  if (limits.min_free_bytes) {
    RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(state_.root()));
    if (free_bytes < *limits.min_free_bytes) return true;
  }
  return false;
}

// Who finds the lock held leaves a note. Its holder looks for one after it has released the lock,
// and the other tries the lock once more after leaving it: so one of them evicts, and none waits.
Result<std::optional<LockFile>> Collector::lock_or_leave_note() {
  const Path path = state_.locks() / k_collector_lock;
  RTENV_TRY(auto lock, LockFile::try_acquire(path));
  if (lock) return lock;
  RTENV_TRY(open_regular_file(state_.locks() / k_collector_note, O_WRONLY | O_CREAT, 0600));
  return LockFile::try_acquire(path);
}

bool Collector::take_note() const {
  return ::unlink((state_.locks() / k_collector_note).c_str()) == 0;
}

// Returns false if another process evicts, which has a note now.
Result<bool> Collector::evict_once(const Cancellation* cancellation) {
  Trash trash(state_);
  auto evicted = [&]() -> Result<bool> {
    RTENV_TRY(const auto lock, lock_or_leave_note());
    if (!lock) return false;
    RTENV_TRY(const bool still_needed, exceeds_limits());
    if (!still_needed) return true;
    RTENV_TRY(const auto report, evict(state_.limits(), OutOfReach::spare_the_rest,
                                       Remover::Mode::remove, trash, cancellation));
    log::debug("{} entries evicted, {} bytes left", report.removed.size(), report.kept_bytes);
    return true;
  }();
  RTENV_TRY(trash.empty(cancellation));
  return evicted;
}

Result<void> Collector::evict_beyond_limits(const Cancellation* cancellation) {
  for (;;) {
    RTENV_TRY(const bool needed, exceeds_limits());
    if (!needed) return {};
    RTENV_TRY(const bool evicted, evict_once(cancellation));
    if (!evicted || !take_note()) return {};
  }
}

Result<void> Collector::look_at_builds(const Cancellation* cancellation) {
  if (state_.take_uv_growth()) RTENV_TRY(survey_uv_folder(state_, cancellation));
  if (!state_.take_build()) return {};
  RTENV_TRY(const auto lock, LockFile::try_acquire(state_.locks() / k_collector_lock));
  return lock ? Sweeper(state_).limit_folders() : Result<void>();
}

void Collector::enforce_limits(const Cancellation* cancellation) {
  auto enforced = look_at_builds(cancellation);
  if (enforced && !state_.limits().empty()) enforced = evict_beyond_limits(cancellation);
  if (!enforced) log::debug("the cache's limits are not enforced: {}", enforced.error().message());
}

}  // namespace rtenv::cache
