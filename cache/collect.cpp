#include <filesystem>
#include <set>

#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/file_system.hpp"
#include "base/log.hpp"
#include "cache/cache_state.hpp"

namespace rtenv::cache {
namespace {

constexpr const char* k_collector_lock = "collector";

// Holds what was evicted, out of sight; removed with it, and that may take long.
using Trash = std::vector<TempDir>;

Result<std::vector<Eviction>> choose(CacheState& state, const Limits& limits,
                                     CollectReport& report) {
  RTENV_TRY(const auto rows, state.ledger().entries());
  RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(state.root()));
  for (const EntryRow& row : rows) {
    report.kept_bytes += row.size_bytes;
    if (!row.evictable()) report.held_bytes += row.size_bytes;
  }
  return choose_evictions(rows, limits, free_bytes, unix_ms());
}

Result<CollectReport> evict(CacheState& state, const Limits& limits, bool dry_run, Trash& trash) {
  CollectReport report;
  RTENV_TRY(auto evictions, choose(state, limits, report));
  for (Eviction& eviction : evictions) {
    const EntryRow& entry = eviction.entry;
    if (!dry_run) {
      RTENV_TRY(TempDir away, state.make_temp_dir());
      trash.push_back(std::move(away));
      const auto removed = remove_entry(state, entry.kind, entry.key, Ledger::Removal::eviction,
                                        trash.back().path() / "content");
      if (!removed && removed.error().code() == Errc::permission_denied)
        continue;  // taken since we looked
      if (!removed) return Failure(removed.error());
    }
    report.kept_bytes -= entry.size_bytes;
    report.freed_bytes += entry.size_bytes;
    report.removed.push_back(std::move(eviction));
  }
  return report;
}

Result<bool> beyond(CacheState& state) {
  const Limits& limits = state.limits();
  if (limits.max_bytes) {
    RTENV_TRY(const std::uint64_t size_bytes, state.ledger().size_bytes());
    if (size_bytes > *limits.max_bytes) return true;
  }
  if (limits.min_free_bytes) {
    RTENV_TRY(const std::uint64_t free_bytes, free_space_bytes(state.root()));
    if (free_bytes < *limits.min_free_bytes) return true;
  }
  return false;
}

Result<void> keep(CacheState& state, bool waits) {
  RTENV_TRY(const bool needed, beyond(state));
  if (!needed) return {};
  Trash trash;
  {
    std::optional<LockFile> lock;
    const Path path = state.locks() / k_collector_lock;
    if (waits) {
      RTENV_TRY(lock, LockFile::acquire(path, nullptr, std::chrono::milliseconds(0), {}));
    } else {
      RTENV_TRY(lock, LockFile::try_acquire(path));
    }
    if (!lock) return {};
    RTENV_TRY(const bool still_needed, beyond(state));
    if (!still_needed) return {};
    RTENV_TRY(const auto report, evict(state, state.limits(), false, trash));
    log::debug("{} entries evicted, {} bytes left", report.removed.size(), report.kept_bytes);
  }
  return {};
}

}  // namespace

Result<bool> remove_entry(CacheState& state, Kind kind, std::string_view key,
                          Ledger::Removal removal, const Path& away) {
  const Path path = state.path_of(kind, key);
  RTENV_TRY(fault_point("remove.begun"));
  bool moved = false;
  auto removed = state.ledger().remove_unheld(kind, key, removal, [&]() -> Result<void> {
    auto renamed = rename_path(path, away);
    if (!renamed && renamed.error().code() == Errc::not_found) return {};
    RTENV_TRY(std::move(renamed));
    moved = true;
    auto done = fault_point("remove.renamed");
    // Back while nobody else can ask for it.
    if (!done && rename_path(away, path)) moved = false;
    return done;
  });
  // The commit failed: then it is where it was.
  if (!removed && moved) {
    if (const auto back = rename_path(away, path); !back) log::warn("{}", back.error().message());
  }
  if (removed) RTENV_TRY(fault_point("remove.committed"));
  return removed;
}

void enforce_limits(const std::shared_ptr<CacheState>& state, bool waits) noexcept {
  if (state->limits().empty()) return;
  if (const auto kept = keep(*state, waits); !kept)
    log::debug("the cache's limits: {}", kept.error().message());
}

Result<CollectReport> Cache::collect(const Limits& limits, bool dry_run,
                                     const Cancellation* cancellation) {
  Trash trash;
  RTENV_TRY(const LockFile lock,
            LockFile::acquire(
                state_->locks() / k_collector_lock, cancellation, std::chrono::milliseconds(2000),
                [] { log::info("another process makes room in the cache; waiting for it"); }));
  if (!dry_run) {
    RTENV_TRY(sweep_unknown());
    RTENV_TRY(sweep_locks());
  }
  return evict(*state_, limits, dry_run, trash);
}

// Lock files stay when their work is done, and a holder that was killed before it was entered
// leaves one. Who holds the lock may take the file away: whoever waits for it looks whether it
// still has its name (see LockFile).
Result<void> Cache::sweep_locks() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_->locks(), error)) {
    if (entry.path().filename() == k_collector_lock) continue;
    RTENV_TRY(const auto lock, LockFile::try_acquire(entry.path()));
    if (lock) std::filesystem::remove(entry.path(), error);
  }
  return {};
}

// A path without a row was put there by other hands. Making an entry needs its build lock; so
// whoever has the lock and finds no row may remove the path.
Result<void> Cache::sweep_unknown() {
  RTENV_TRY(const auto known, entries());
  std::set<Path> known_paths;
  for (const EntryRow& row : known) known_paths.insert(path_of(row.kind, row.key));
  for (const KindInfo& kind : k_kinds) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(state_->root() / kind.folder, error)) {
      if (known_paths.contains(entry.path())) continue;
      const std::string key = entry.path().filename().native();
      RTENV_TRY(const auto lock, LockFile::try_acquire(state_->build_lock(kind.kind, key)));
      if (!lock) continue;
      // Entered since the rows were read? Without a lease: the end of one would wait for this very
      // collector.
      RTENV_TRY(const auto found, state_->ledger().find(kind.kind, key));
      if (!found) RTENV_TRY(take_away(entry.path()));
    }
  }
  return {};
}

}  // namespace rtenv::cache
