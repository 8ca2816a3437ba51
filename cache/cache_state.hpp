// The state that a cache and its leases share. Internal to this folder.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "base/origin.hpp"
#include "cache/cache.hpp"
#include "cache/holder.hpp"
#include "cache/ledger.hpp"
#include "cache/remote_tier.hpp"
#include "cache/tier_sender.hpp"
#include "cache/uv_folder.hpp"

namespace rtenv::cache {

/// Thread-safe. The holder is created with the first lease or temporary folder, and removed by the
/// destructor, which removes one row and two empty names and stops the sender's thread. Files that
/// a failed or cancelled operation left in tmp/ stay there until the cache is opened again.
class CacheState {
 public:
  /// A fork of this process never destroys its copy: the row, the names, the thread and SQLite's
  /// connection are this process's.
  static std::shared_ptr<CacheState> create(Path root, Ledger ledger, CacheOptions options);
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;
  ~CacheState();

  [[nodiscard]] const Origin& origin() const noexcept { return origin_; }
  [[nodiscard]] const Path& root() const noexcept { return root_; }
  [[nodiscard]] Path locks() const { return root_ / "locks"; }
  [[nodiscard]] Path tmp() const { return root_ / "tmp"; }
  [[nodiscard]] Path quarantine() const { return root_ / "quarantine"; }
  [[nodiscard]] UvFolder uv_folder() const { return {Cache::uv_folder(root_), locks()}; }
  [[nodiscard]] Path path_of(Kind kind, KeyView key) const;
  [[nodiscard]] Path build_lock(Kind kind, KeyView key) const;
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
  /// See CacheOptions.
  [[nodiscard]] bool makes_room() const noexcept { return makes_room_; }

  Ledger& ledger() noexcept { return ledger_; }
  /// Null if there is none.
  [[nodiscard]] RemoteTier* tier() noexcept { return tier_ ? &*tier_ : nullptr; }
  /// Whether there is a tier in this mode.
  [[nodiscard]] bool has_tier_mode(TierMode mode) const noexcept;

  Result<const Holder*> holder();
  /// Requires: holder() was called.
  [[nodiscard]] int lock_fd() const noexcept { return holder_->lock_fd(); }
  /// See Cache::make_temp_dir.
  Result<TempDir> make_temp_dir(const Cancellation* cancellation = nullptr);
  /// Pushes unsent entries in the background.
  void wake_sender();

  /// Removes the row of an entry that isn't leased, pinned or being built, and renames its folder
  /// to `away`, in one transaction. Returns false if there is no such entry. Fails:
  /// busy (leased, pinned or being built), and as the ledger and rename(2).
  Result<bool> remove_entry(Kind kind, KeyView key, Ledger::Removal removal, const Path& away);

  /// A lease ended: the limits may be enforceable now.
  void note_release() noexcept { was_released_ = true; }
  /// Whether a lease ended since the last call.
  bool take_release() noexcept { return was_released_.exchange(false); }

  /// A build began: folders may have grown, also if it fails.
  void note_build() noexcept { has_built_ = was_released_ = true; }
  bool take_build() noexcept { return has_built_.exchange(false); }
  /// A process of this one runs uv in uv_folder(), so environments may be links to its files.
  void note_uv_use() noexcept { uses_uv_folder_ = uv_may_have_grown_ = was_released_ = true; }
  [[nodiscard]] bool uses_uv_folder() const noexcept { return uses_uv_folder_; }
  bool take_uv_growth() noexcept { return uv_may_have_grown_.exchange(false); }

 private:
  CacheState(Path root, Ledger ledger, CacheOptions options);
  [[nodiscard]] Path holder_tmp() const { return tmp() / holder_->lock_name(); }

  Origin origin_;
  Path root_;
  Ledger ledger_;
  Limits limits_;
  bool makes_room_;
  std::atomic<bool> was_released_{false};
  std::atomic<bool> has_built_{false};
  std::atomic<bool> uses_uv_folder_{false};
  std::atomic<bool> uv_may_have_grown_{false};
  CallMutex mutex_;
  std::optional<Holder> holder_;  // guarded by mutex_ until it is set
  std::optional<RemoteTier> tier_;
  std::mutex sender_mutex_;
  std::optional<TierSender> sender_;  // guarded by sender_mutex_
};

/// See Cache::find.
Result<std::optional<Lease>> find_lease(const std::shared_ptr<CacheState>& state, Kind kind,
                                        KeyView key);

}  // namespace rtenv::cache
