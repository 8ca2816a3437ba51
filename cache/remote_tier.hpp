// A second place to look for what is dear to make: packs of entries in any store of remote/, shared
// by machines.
//
//   PREFIX/rtenv-1/{envs,trees}/KEY.tar.zst
//
// A tier is a help, never a need: whatever goes wrong with it is told once, and the entry is made
// here. A tier that fails, or from which nothing is heard for its time-out, is left alone for half
// a minute, by other processes of this cache, too. Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "cache/pack.hpp"
#include "remote/object_store.hpp"

namespace rtenv::cache {

enum class TierMode : std::uint8_t {
  read,           // nothing is sent
  write_through,  // what was made is sent before it is used
  write_back,     // … while it is used; what isn't sent then, by a later process
};

/// "read", "write-through", "write-back".
std::optional<TierMode> parse_tier_mode(std::string_view text);

struct RemoteTierOptions {
  remote::Uri prefix;
  TierMode mode = TierMode::read;
  /// How long a tier from which nothing is heard may hold up anything.
  std::chrono::milliseconds timeout{10'000};
  /// Older packs aren't there; `remove_expired` removes them. Nothing: they stay for good.
  std::optional<std::chrono::seconds> max_age;
  remote::StoreOptions store;  // its cancellation is left aside
  /// How entries of a kind are packed; a kind that isn't here, as they are.
  std::map<Kind, MakePackFilter> filters;
};

/// Fails: invalid_argument where packs can't lie below this URI.
Result<void> check_holds_packs(const remote::Uri& uri);

class RemoteTier {
 public:
  /// `state_folder`: of the cache; `threads`: that pack and unpack.
  RemoteTier(RemoteTierOptions options, const Path& state_folder, unsigned threads);

  [[nodiscard]] TierMode mode() const noexcept { return options_.mode; }

  /// Brings an entry to `target`, which isn't there. False where the tier hasn't got it, or is
  /// broken. `scratch`: an empty folder on the target's file system. Fails: cancelled; not by the
  /// tier's fault.
  Result<bool> pull(const EntryName& entry, const Path& scratch, const Path& target,
                    const Relocation& relocation, const Cancellation* cancellation);

  [[nodiscard]] remote::Uri uri_of(const EntryName& entry) const;

  /// Sends what lies in `folder`; false where it is there already. Fails: as the store, cancelled;
  /// unavailable where the tier is left alone.
  Result<bool> push(const EntryName& entry, const Path& folder, const Cancellation* cancellation);

  struct Expired {
    std::uint64_t packs = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t kept_packs = 0;
    std::uint64_t kept_bytes = 0;
  };
  /// Fails: invalid_argument (no max_age; a store that can't list), and as the store.
  Result<Expired> remove_expired(bool dry_run, const Cancellation* cancellation);

 private:
  struct Session;
  Result<Session> open_session(std::chrono::milliseconds patience,
                               const Cancellation* cancellation) const;
  [[nodiscard]] bool expired(const std::optional<std::int64_t>& modified_s) const;
  Result<bool> try_pull(Session& session, const EntryName& entry, const Path& scratch,
                        const Path& target, const Relocation& relocation);
  Result<bool> try_push(Session& session, const EntryName& entry, const Path& folder);
  [[nodiscard]] bool left_alone() const;
  void disable_for_a_while(const Error& error, const Session& session);

  RemoteTierOptions options_;
  std::mutex mutex_;
  std::set<std::string> damaged_;  // paths of packs that are to be replaced
  Path pause_file_;                // its time says since when the tier is left alone
  unsigned threads_;
};

}  // namespace rtenv::cache
