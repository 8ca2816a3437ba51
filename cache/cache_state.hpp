// What a cache and its leases share. For the files of this folder.
#pragma once

#include <mutex>
#include <optional>

#include "base/file.hpp"
#include "base/parallel.hpp"
#include "cache/cache.hpp"
#include "cache/holder.hpp"
#include "cache/tier_sender.hpp"

namespace rtenv::cache {

// The holder is made with the first lease and retired with the last user.
class CacheState {
 public:
  CacheState(Path root, Ledger ledger, CacheOptions options)
      : root_(std::move(root)), ledger_(std::move(ledger)), limits_(std::move(options.limits)) {
    if (options.remote_tier)
      tier_.emplace(std::move(*options.remote_tier), root_ / "remote-tier", default_threads());
  }
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;
  ~CacheState() {
    sender_.reset();
    if (!holder_) return;
    [[maybe_unused]] const auto removed = remove_tree(tmp() / holder_->lock_name());
    holder_->retire(locks(), ledger_);
  }

  [[nodiscard]] const Path& root() const noexcept { return root_; }
  [[nodiscard]] Path locks() const { return root_ / "locks"; }
  [[nodiscard]] Path tmp() const { return root_ / "tmp"; }
  [[nodiscard]] Path path_of(Kind kind, std::string_view key) const {
    return root_ / info(kind).folder / key;
  }
  [[nodiscard]] Path build_lock(Kind kind, std::string_view key) const {
    return locks() / fmt::format("{}-{}", info(kind).name, key);
  }
  Ledger& ledger() noexcept { return ledger_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

  Result<const Holder*> holder() {
    const std::lock_guard lock(mutex_);
    if (!holder_) {
      RTENV_TRY(auto created, Holder::create(locks(), ledger_));
      holder_.emplace(std::move(created));
    }
    return &*holder_;
  }
  /// See Cache::make_temp_dir.
  Result<TempDir> make_temp_dir() {
    RTENV_TRY(const Holder* owner, holder());
    const Path folder = tmp() / owner->lock_name();
    RTENV_TRY(make_directories(folder));
    return TempDir::create(folder);
  }
  /// Null where there is none.
  [[nodiscard]] RemoteTier* tier() noexcept { return tier_ ? &*tier_ : nullptr; }
  /// Sends what is unsent, in the background.
  void wake_sender() {
    const std::lock_guard lock(mutex_);
    if (!sender_) sender_.emplace();
    sender_->wake(*this);
  }
  /// Requires: a holder was made.
  [[nodiscard]] int lock_fd() const noexcept { return holder_->lock_fd(); }

 private:
  Path root_;
  Ledger ledger_;
  Limits limits_;
  std::mutex mutex_;
  std::optional<Holder> holder_;
  std::optional<RemoteTier> tier_;
  std::optional<TierSender> sender_;
};

/// Takes an entry that nobody holds out of the ledger and moves it to `away`, in one step for all
/// who look.
Result<bool> remove_entry(CacheState& state, Kind kind, std::string_view key,
                          Ledger::Removal removal, const Path& away);

/// Evicts what is beyond the state's own limits, where anything is. Never fails: it is tried again
/// with the next lease that ends. `waits`: for another process that does the same.
void enforce_limits(const std::shared_ptr<CacheState>& state, bool waits) noexcept;

}  // namespace rtenv::cache
