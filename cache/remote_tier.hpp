// Shares entries between machines: archives of entries in any store of remote/.
//
//   PREFIX/rtenv-1/{envs,trees}/KEY.tar.zst
//
// The tier is optional by design: an error is reported once, and the entry is built locally. After
// an error or a timeout the tier is disabled for half a minute, for all processes that use this
// cache.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "cache/relocation.hpp"
#include "cache/remote_tier_options.hpp"

namespace rtenv::cache {

/// Thread-safe.
class RemoteTier {
 public:
  /// `state_folder` is below the cache's root; `threads` pack and unpack.
  RemoteTier(RemoteTierOptions options, const Path& state_folder, unsigned threads);

  [[nodiscard]] TierMode mode() const noexcept { return options_.mode; }

  /// Downloads and unpacks an entry to `target`, which must not exist. Returns false if the tier
  /// doesn't have a usable archive of it or is disabled. `scratch` is an empty folder on the
  /// target's file system. Fails: cancelled; unavailable (no descriptor left), and as open_store.
  Result<bool> pull(const EntryName& entry, const Path& scratch, const Path& target,
                    const Relocation& relocation, const Cancellation* cancellation);

  [[nodiscard]] remote::Uri uri_of(const EntryName& entry) const;

  /// Packs and uploads the entry in `folder`. Returns false if the tier already has it. Fails:
  /// cancelled, unavailable (also if the tier is disabled), and as write_archive and the store.
  Result<bool> push(const EntryName& entry, const Path& folder, const Cancellation* cancellation);

  /// Removes archives older than the options' max_age; with `dry_run`, only counts them. Fails:
  /// invalid_argument (no max_age; a store that can't list), cancelled, and as the store.
  Result<ExpiredArchives> remove_expired(bool dry_run, const Cancellation* cancellation);

 private:
  struct Session;
  Result<Session> open_session(std::chrono::milliseconds timeout,
                               const Cancellation* cancellation) const;
  [[nodiscard]] bool expired(const std::optional<std::int64_t>& modified_s) const;
  Result<bool> try_pull(Session& session, const EntryName& entry, const Path& scratch,
                        const Path& target, const Relocation& relocation);
  Result<bool> try_push(Session& session, const EntryName& entry, const Path& folder);
  [[nodiscard]] bool is_disabled() const;
  void disable_for_a_while(const Error& error, const Session& session);

  RemoteTierOptions options_;
  std::mutex mutex_;
  std::set<std::string> damaged_;  // paths of archives that the next push replaces
  Path pause_file_;                // last modified when the tier was disabled
  unsigned threads_;
};

}  // namespace rtenv::cache
