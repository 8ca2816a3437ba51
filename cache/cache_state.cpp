#include "cache/cache_state.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/exceptions.hpp"
#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/processors.hpp"

namespace rtenv::cache {

namespace {

// Moving a folder to another parent needs write permission for the folder itself.
Result<void> move_away(const Path& path, const Path& away) {
  auto renamed = rename_path(path, away);
  if (renamed || renamed.error().code() != Errc::permission_denied) return renamed;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
      ::chmod(path.c_str(), S_IRWXU) != 0)
    return renamed;
  return rename_path(path, away);
}

}  // namespace

std::shared_ptr<CacheState> CacheState::create(Path root, Ledger ledger, CacheOptions options) {
  return {new CacheState(std::move(root), std::move(ledger), std::move(options)),
          [](const CacheState* state) {
            if (state->origin_.is_this_process()) delete state;
          }};
}

CacheState::CacheState(Path root, Ledger ledger, CacheOptions options)
    : root_(std::move(root)),
      ledger_(std::move(ledger)),
      limits_(std::move(options.limits)),
      makes_room_(options.makes_room) {
  if (options.remote_tier)
    tier_.emplace(std::move(*options.remote_tier), root_ / "remote-tier", default_threads());
}

CacheState::~CacheState() {
  sender_.reset();
  if (!holder_) return;
  const WaitScope scope(WaitScope::k_clean_up);
  const auto retired = without_exceptions([&] { return holder_->retire(locks(), ledger_); });
  if (!retired) holder_->mark_retired();
  (void)without_exceptions([&]() -> Result<void> {
    ::rmdir(holder_tmp().c_str());
    return {};
  });
}

Path CacheState::path_of(Kind kind, KeyView key) const {
  return root_ / info(kind).folder / key.text();
}

Path CacheState::build_lock(Kind kind, KeyView key) const {
  return locks() / fmt::format("{}-{}", info(kind).name, key);
}

bool CacheState::has_tier_mode(TierMode mode) const noexcept {
  return tier_ && tier_->mode() == mode;
}

Result<const Holder*> CacheState::holder() {
  RTENV_TRY(const auto lock, mutex_.lock("the cache"));
  if (!holder_) {
    RTENV_TRY(ledger_.check_present());
    RTENV_TRY(auto created, Holder::create(locks(), ledger_));
    holder_.emplace(std::move(created));
  }
  return &*holder_;
}

Result<TempDir> CacheState::make_temp_dir(const Cancellation* cancellation) {
  RTENV_TRY(holder());
  RTENV_TRY(ledger_.check_present());
  RTENV_TRY(make_directory(holder_tmp()));
  return TempDir::create(holder_tmp(), cancellation);
}

void CacheState::wake_sender() {
  const std::lock_guard lock(sender_mutex_);
  if (!sender_) sender_.emplace();
  sender_->wake(*this);
}

Result<bool> CacheState::remove_entry(Kind kind, KeyView key, Ledger::Removal removal,
                                      const Path& away) {
  const Path path = path_of(kind, key);
  RTENV_TRY(fault_point("remove.begun"));
  bool moved = false;
  auto removed = ledger_.remove_unheld(kind, key, removal, [&]() -> Result<void> {
    auto renamed = move_away(path, away);
    if (!renamed && renamed.error().code() == Errc::not_found) return {};
    RTENV_TRY(std::move(renamed));
    moved = true;
    auto done = fault_point("remove.renamed");
    // Moved back within the transaction, so that no other process sees the row without the folder.
    if (!done && rename_path(away, path)) moved = false;
    return done;
  });
  if (!removed && moved) {
    // The commit failed.
    if (const auto back = rename_path(away, path); !back) log::warn("{}", back.error().message());
  }
  if (removed) RTENV_TRY(fault_point("remove.committed"));
  return removed;
}

Result<std::optional<Lease>> find_lease(const std::shared_ptr<CacheState>& state, Kind kind,
                                        KeyView key) {
  RTENV_TRY(const Holder* holder, state->holder());
  // What takes memory comes before the lease.
  EntryName name{kind, key.owned()};
  Path path = state->path_of(kind, key);
  RTENV_TRY(const auto leased, state->ledger().lease(kind, key, holder->id()));
  if (!leased) return std::optional<Lease>();
  Lease lease(state, *leased, std::move(name), std::move(path));
  RTENV_TRY(fault_point("find.leased"));
  // The folder may have been removed by another program.
  struct stat status {};
  if (::stat(lease.path().c_str(), &status) != 0) return std::optional<Lease>();
  return std::optional(std::move(lease));
}

}  // namespace rtenv::cache
