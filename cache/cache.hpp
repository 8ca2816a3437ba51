// A durable store of things that are dear to make: unpacked trees, environments, fetched tools.
// Several processes and threads may share one cache.
//
//   root/{ledger.db, trees/KEY/, envs/KEY/, tools/KEY/, files/KEY/, uv/, digests/, tmp/, locks/,
//   quarantine/}
//
// Staged kinds are made in tmp/, synced, renamed into place, then made ready in the ledger.
// Environments are made in place. Both under a row that says that they are being made, and a lock
// that ends with the maker. After kill -9 at any instant the next use finds nothing or a whole
// entry; what the dead left behind is swept at opening.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/lock_file.hpp"
#include "base/temp_dir.hpp"
#include "cache/eviction.hpp"
#include "cache/kind.hpp"
#include "cache/ledger.hpp"
#include "cache/remote_tier.hpp"

namespace rtenv::cache {

class CacheState;

/// Keeps one entry from eviction for as long as its holder lives. Dropping it, or dying, frees the
/// entry. A child process that inherits `lock_fd` keeps it held, too. Move-only; thread-safe.
class Lease {
 public:
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// The descriptor whose lock says that this process is alive: for SpawnOptions::keep_fds.
  [[nodiscard]] int lock_fd() const noexcept;

 private:
  friend class Cache;
  Lease(std::shared_ptr<CacheState> state, LeasedEntry leased, Kind kind, std::string key,
        Path path);
  void release() noexcept;
  std::shared_ptr<CacheState> state_;
  LeasedEntry leased_;
  Kind kind_ = Kind::tree;
  std::string key_;
  Path path_;
};

/// What a maker gets: where to make the entry, and the lock that must live as long as anything it
/// starts.
struct MakeContext {
  Path target;  // not there yet; a folder is expected after success
  int lock_fd = -1;
};
using Maker = std::function<Result<void>(const MakeContext&)>;

struct MakeOptions {
  const Cancellation* cancellation = nullptr;
  std::function<void()>
      on_wait;  // called once where another is making the same entry for longer than quiet_wait
  // What is left of a killed maker ends within this time: nobody needs to hear of that.
  std::chrono::milliseconds quiet_wait{2000};
  /// Worth asking the remote tier for, and sending there: what is dear to make and the same on
  /// other machines.
  bool use_remote_tier = false;
  Relocate relocate;  // of one that comes from there; may be empty
};

struct CacheOptions {
  /// Kept by the cache itself: after an entry was made, and again when a lease ends. Empty: only by
  /// `collect`.
  Limits limits;
  /// SQLite and locks of a file system that several machines share may tear: refused unless this
  /// says that the user takes that on.
  bool allow_network_file_system = false;
  std::optional<RemoteTierOptions> remote_tier;
};

struct CollectReport {
  std::vector<Eviction> removed;  // or, in a dry run, what would be
  std::uint64_t freed_bytes = 0;
  std::uint64_t kept_bytes = 0;
  std::uint64_t held_bytes = 0;  // of what was kept because it is in use
};

struct VerifyReport {
  std::uint64_t checked = 0;   // entries whose content is what it was
  std::uint64_t recorded = 0;  // entries without a digest so far
  std::vector<EntryRow>
      quarantined;  // another content: moved to quarantine/, no longer in the cache
  std::vector<EntryRow> damaged_in_use;  // another content, but held or pinned: left where it is
  std::vector<EntryRow> missing;         // removed behind the cache's back; no longer in the ledger
};

class Cache {
 public:
  /// Opens or makes the cache and sweeps what dead processes left. Fails: permission_denied,
  /// out_of_space, invalid_argument (made by a newer rtenv; on a network file system).
  static Result<Cache> open(const Path& root, CacheOptions options = {});

  [[nodiscard]] const Path& root() const;
  /// Where pkg::DigestCache remembers; it looks after its files itself.
  static Path digests_folder(const Path& root) { return root / "digests"; }

  /// The entry with a lease on it, if it is there and whole.
  Result<std::optional<Lease>> find(Kind kind, std::string_view key);

  /// The entry with a lease on it; made by `make` where it isn't there. Of several askers, in this
  /// or other processes, one makes it and the others wait. After a failure nothing is left.
  Result<Lease> get_or_make(Kind kind, std::string_view key, const Maker& make,
                            const MakeOptions& options = {});

  /// Whether what is made here is sent behind the work that uses it; see TierMode::write_back.
  [[nodiscard]] bool sends_later() const;
  /// Sends what the remote tier is still to get; see TierMode::write_back. Fails: invalid_argument
  /// (no tier), and as RemoteTier::push.
  Result<void> flush(const Cancellation* cancellation);
  /// See RemoteTier::remove_expired. Fails: also invalid_argument (no tier).
  Result<RemoteTier::Expired> remove_expired(bool dry_run, const Cancellation* cancellation);

  /// What is known of an object of a store; see Ledger.
  Result<std::optional<FetchRecord>> find_fetch_record(std::string_view digest);
  Result<void> remember_fetch(std::string_view digest, const FetchRecord& source);
  /// For work that only one process should do: whoever else asks waits.
  Result<LockFile> lock(std::string_view name, const MakeOptions& options);

  /// Least recently used first.
  Result<std::vector<EntryRow>> entries();

  /// False where it isn't there. Fails: permission_denied where it is in use or being built.
  Result<bool> remove(Kind kind, std::string_view key);

  /// False where there is no such entry. Fails: invalid_argument (a name that is empty).
  Result<bool> pin(Kind kind, std::string_view key, const Pin& pin);
  /// False where there was no such pin.
  Result<bool> unpin(Kind kind, std::string_view key, std::string_view name);

  /// Evicts what is beyond the limits; see choose_evictions. Also sweeps files that no row knows.
  /// One process at a time: others wait, since what the one frees the next needn't.
  Result<CollectReport> collect(const Limits& limits, bool dry_run,
                                const Cancellation* cancellation = nullptr);

  /// Reads every entry again.
  Result<VerifyReport> verify(unsigned threads);

  Result<std::map<Kind, KindUsage>> usage();
  /// What the sizes of entries count more than once: large files that several read-only entries
  /// have in common are one file on the disk.
  Result<std::uint64_t> shared_bytes();

  /// A folder on the cache's file system, removed with its object or, after a crash, at the next
  /// opening.
  Result<TempDir> make_temp_dir();

  /// Where an entry lies, there or not.
  [[nodiscard]] Path path_of(Kind kind, std::string_view key) const;

 private:
  explicit Cache(std::shared_ptr<CacheState> state) : state_(std::move(state)) {}
  Result<void> sweep();
  Result<void> sweep_half_made(const EntryRow& row);
  Result<void> sweep_unknown();
  Result<void> sweep_locks();
  Result<Lease> make_once(Kind kind, std::string_view key, const Maker& make,
                          const MakeOptions& options);
  Result<Lease> make_staged(Kind kind, std::string_view key, const Maker& make, int lock_fd);
  Result<Lease> make_in_place(Kind kind, std::string_view key, const Maker& make, int lock_fd);
  Result<Lease> pull_or_make(Kind kind, std::string_view key, const Maker& make,
                             const MakeOptions& options);
  Result<void> send(const Lease& lease, const Cancellation* cancellation);
  Result<void> resume_sending();
  Failure give_up(Kind kind, std::string_view key, Error error);
  Result<Lease> publish(Kind kind, std::string_view key, MadeEntry made);
  Result<void> verify_entry(EntryRow row, unsigned threads, VerifyReport& report);
  Result<void> forget_missing(EntryRow row, VerifyReport& report);
  Result<void> take_away(const Path& path);

  std::shared_ptr<CacheState> state_;
};

}  // namespace rtenv::cache
