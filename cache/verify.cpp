#include <sys/stat.h>

#include "base/log.hpp"
#include "base/unique_name.hpp"
#include "cache/cache_state.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {

Result<VerifyReport> Cache::verify(unsigned threads) {
  RTENV_TRY(auto rows, entries());
  VerifyReport report;
  for (EntryRow& row : rows)
    if (row.ready) RTENV_TRY(verify_entry(std::move(row), threads, report));
  return report;
}

// Without a lease where all is well: a reading isn't a use. What looks wrong is read again under
// one: it may have been on its way out. So is what is to be recorded.
Result<void> Cache::verify_entry(EntryRow row, unsigned threads, VerifyReport& report) {
  const Path path = path_of(row.kind, row.key);
  const auto read = [&] { return tree_digest(path, info(row.kind).user_writable_folder, threads); };
  const auto is_still_there = [&]() -> Result<bool> {
    RTENV_TRY(const auto now, state_->ledger().find(row.kind, row.key));
    return now && now->ready && now->id == row.id && now->created_ms == row.created_ms &&
           now->digest == row.digest;
  };
  if (!row.digest.empty()) {
    const auto digest = read();
    if (digest && digest->digits == row.digest) {
      ++report.checked;
      return {};
    }
  }
  RTENV_TRY(auto lease, find(row.kind, row.key));
  RTENV_TRY(const bool there, is_still_there());
  if (!there) return {};
  if (!lease) return forget_missing(std::move(row), report);
  const auto digest = read();
  if (digest && row.digest.empty()) {
    RTENV_TRY(state_->ledger().set_digest(row.kind, row.key, digest->digits));
    ++report.recorded;
    return {};
  }
  if (digest && digest->digits == row.digest) {
    ++report.checked;
    return {};
  }
  lease.reset();
  if (!digest) log::warn("{} {}: {}", info(row.kind).name, row.key, digest.error().message());
  const Path quarantine = state_->root() / "quarantine";
  RTENV_TRY(make_directories(quarantine));
  const auto moved = remove_entry(*state_, row.kind, row.key, Ledger::Removal::asked_for,
                                  quarantine / fmt::format("{}-{}-{}", info(row.kind).name,
                                                           row.key.substr(0, 64), unique_name()));
  if (!moved && moved.error().code() != Errc::permission_denied) return Failure(moved.error());
  (moved ? report.quarantined : report.damaged_in_use).push_back(std::move(row));
  return {};
}

Result<void> Cache::forget_missing(EntryRow row, VerifyReport& report) {
  struct stat status {};
  if (::lstat(path_of(row.kind, row.key).c_str(), &status) == 0) return {};  // made anew since
  RTENV_TRY(const TempDir trash, make_temp_dir());
  const auto removed = remove_entry(*state_, row.kind, row.key, Ledger::Removal::asked_for,
                                    trash.path() / "content");
  if (!removed && removed.error().code() != Errc::permission_denied)
    return Failure(removed.error());
  report.missing.push_back(std::move(row));
  return {};
}

}  // namespace rtenv::cache
