#include "cache/verifier.hpp"

#include <sys/stat.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/unique_name.hpp"
#include "cache/survey.hpp"
#include "cache/trash.hpp"
#include "cache/tree_digest.hpp"

namespace rtenv::cache {

Result<VerifyReport> Verifier::run() {
  RTENV_TRY(auto rows, state_->ledger().entries());
  const auto verified = [&]() -> Result<void> {
    for (EntryRow& row : rows)
      if (row.ready && info(row.kind).digest != DigestTime::never)
        RTENV_TRY(verify(std::move(row)));
    return {};
  }();
  RTENV_TRY(std::uint64_t quarantine_bytes, state_->ledger().folder_size(k_quarantine_size));
  for (const EntryRow& row : report_.quarantined) quarantine_bytes += row.size_bytes;
  RTENV_TRY(state_->ledger().set_folder_size(k_quarantine_size, quarantine_bytes));
  if (!verified) return Failure(verified.error());
  return std::move(report_);
}

Result<bool> Verifier::is_current(const EntryRow& row) {
  RTENV_TRY(const auto now, state_->ledger().find(row.kind, row.key));
  return now && now->ready && now->id == row.id && now->created_ms == row.created_ms &&
         now->digest == row.digest;
}

// The first read is without a lease, because verification must not count as a use. A second read
// under a lease decides: the entry may have been removed during the first one.
Result<void> Verifier::verify(EntryRow row) {
  const auto read = [&] {
    return tree_digest(state_->path_of(row.kind, row.key), info(row.kind).user_writable_folder,
                       threads_, cancellation_);
  };
  const auto is_cancelled = [](const Result<std::string>& digest) {
    return !digest && digest.error().code() == Errc::cancelled;
  };
  if (!row.digest.empty()) {
    const auto digest = read();
    if (is_cancelled(digest)) return Failure(digest.error());
    if (digest && *digest == row.digest) {
      ++report_.checked;
      return {};
    }
  }
  RTENV_TRY(auto lease, find_lease(state_, row.kind, row.key));
  RTENV_TRY(const bool current, is_current(row));
  if (!current) return {};
  if (!lease) return forget_missing(std::move(row));
  const auto digest = read();
  if (is_cancelled(digest)) return Failure(digest.error());
  if (digest && row.digest.empty()) {
    RTENV_TRY(state_->ledger().set_digest(row.kind, row.key, *digest));
    ++report_.recorded;
    return {};
  }
  if (digest && *digest == row.digest) {
    ++report_.checked;
    return {};
  }
  if (!digest) log::warn("{} {}: {}", info(row.kind).name, row.key, digest.error().message());
  // Too few descriptors, for example, say nothing about the entry.
  if (!digest &&
      (digest.error().code() == Errc::unavailable || digest.error().code() == Errc::changed))
    return {};
  lease.reset();
  return quarantine(std::move(row));
}

Result<void> Verifier::quarantine(EntryRow row) {
  RTENV_TRY(make_directory(state_->quarantine()));
  const auto moved = state_->remove_entry(
      row.kind, row.key, Ledger::Removal::requested,
      state_->quarantine() / fmt::format("{}-{}-{}", info(row.kind).name,
                                         row.key.text().substr(0, 64), unique_name()));
  if (!moved && moved.error().code() != Errc::busy) return Failure(moved.error());
  (moved ? report_.quarantined : report_.damaged_in_use).push_back(std::move(row));
  return {};
}

Result<void> Verifier::forget_missing(EntryRow row) {
  struct stat status {};
  if (::lstat(state_->path_of(row.kind, row.key).c_str(), &status) == 0) return {};  // built again
  Trash trash(*state_);
  RTENV_TRY(const Path away, trash.new_path());
  const auto removed = state_->remove_entry(row.kind, row.key, Ledger::Removal::requested, away);
  if (!removed && removed.error().code() != Errc::busy) return Failure(removed.error());
  report_.missing.push_back(std::move(row));
  return trash.empty(nullptr);
}

}  // namespace rtenv::cache
