#include "cache/collector.hpp"

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/file_system.hpp"
#include "base/log.hpp"
#include "cache/sweeper.hpp"

namespace rtenv::cache {

// An entry that its users write to may have grown since it was built.
void Collector::measure_again(EntryRow& row) {
  if (info(row.kind).digest != DigestTime::never || !row.evictable()) return;
  if (const auto bytes = disk_usage_bytes(state_.path_of(row.kind, row.key)))
    row.size_bytes = *bytes;
}

Result<std::vector<Eviction>> Collector::choose(const Limits& limits, CollectReport& report) {
  RTENV_TRY(auto rows, state_.ledger().entries());
  for (EntryRow& row : rows) measure_again(row);
  RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(state_.root()));
  for (const EntryRow& row : rows) {
    report.kept_bytes += row.size_bytes;
    if (!row.evictable()) report.held_bytes += row.size_bytes;
  }
  return choose_evictions(rows, limits, free_bytes, unix_ms());
}

Result<CollectReport> Collector::evict(const Limits& limits, bool dry_run, Trash& trash,
                                       const Cancellation* cancellation) {
  CollectReport report;
  RTENV_TRY(auto evictions, choose(limits, report));
  for (Eviction& eviction : evictions) {
    if (cancellation != nullptr && cancellation->requested())
      return fail(Errc::cancelled, "interrupted while evicting entries");
    const EntryRow& entry = eviction.entry;
    if (!dry_run) {
      RTENV_TRY(const Path away, trash.new_path());
      const auto removed =
          state_.remove_entry(entry.kind, entry.key, Ledger::Removal::eviction, away);
      // Leased or pinned since the rows were read.
      if (!removed && removed.error().code() == Errc::busy) continue;
      if (!removed && removed.error().code() == Errc::permission_denied) {
        log::warn("{}", removed.error().message());
        continue;
      }
      if (!removed) return Failure(removed.error());
    }
    report.kept_bytes -= entry.size_bytes;
    report.freed_bytes += entry.size_bytes;
    report.removed.push_back(std::move(eviction));
  }
  return report;
}

Result<CollectReport> Collector::collect(const Limits& limits, bool dry_run,
                                         const Cancellation* cancellation) {
  Trash trash(state_);
  auto report = [&]() -> Result<CollectReport> {
    RTENV_TRY(const LockFile lock,
              LockFile::acquire(
                  state_.locks() / k_collector_lock,
                  {.cancellation = cancellation, .on_wait = [] {
                     log::info("waiting for another process that evicts entries of the cache");
                   }}));
    if (!dry_run) {
      Sweeper sweeper(state_);
      RTENV_TRY(sweeper.remove_unknown_folders(trash));
      RTENV_TRY(sweeper.remove_free_locks());
    }
    return evict(limits, dry_run, trash, cancellation);
  }();
  RTENV_TRY(trash.empty(cancellation));
  return report;
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

Result<void> Collector::evict_beyond_limits(OtherCollector other,
                                            const Cancellation* cancellation) {
  if (state_.limits().empty()) return {};
  RTENV_TRY(const bool needed, exceeds_limits());
  if (!needed) return {};
  Trash trash(state_);
  auto evicted = [&]() -> Result<void> {
    const Path path = state_.locks() / k_collector_lock;
    RTENV_TRY(auto lock, LockFile::try_acquire(path));
    if (!lock && other == OtherCollector::leave_to) return {};
    if (!lock) {
      RTENV_TRY(lock, LockFile::acquire(path, {.cancellation = cancellation, .on_wait = {}}));
    }
    RTENV_TRY(const bool still_needed, exceeds_limits());
    if (!still_needed) return {};
    RTENV_TRY(const auto report, evict(state_.limits(), false, trash, cancellation));
    log::debug("{} entries evicted, {} bytes left", report.removed.size(), report.kept_bytes);
    return {};
  }();
  RTENV_TRY(trash.empty(cancellation));
  return evicted;
}

void Collector::enforce_limits(OtherCollector other, const Cancellation* cancellation) {
  if (const auto evicted = evict_beyond_limits(other, cancellation); !evicted)
    log::debug("the cache's limits are not enforced: {}", evicted.error().message());
}

}  // namespace rtenv::cache
