// A persistent store of entries that are expensive to create: unpacked trees, environments, fetched
// files and tools. Several processes and threads may use one cache.
//
//   root/{ledger.db, trees/KEY/, envs/KEY/, tools/KEY/, files/KEY/, copies/KEY/, uv/, digests/,
//   tmp/, locks/, quarantine/}
//
// Most kinds are staged in tmp/, synced, and renamed into place; environments are built in place.
// Meanwhile a row of the ledger says that the entry isn't ready, and a lock is held that the kernel
// releases if the builder dies. So after a kill -9 at any time, an entry is complete or absent.
// Leftovers of crashed processes are removed when the cache is opened. Copies aren't synced: after
// a power loss their content is undefined.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/cancellation.hpp"
#include "base/lock_file.hpp"
#include "base/temp_dir.hpp"
#include "cache/builder.hpp"
#include "cache/entry.hpp"
#include "cache/eviction.hpp"
#include "cache/kind.hpp"
#include "cache/lease.hpp"
#include "cache/remote_tier_options.hpp"

namespace rtenv::cache {

class CacheState;

struct CacheOptions {
  /// Enforced after an entry is built, and by `enforce_limits`. Empty: the cache grows until
  /// `collect` is called.
  Limits limits;
  /// Network file systems are refused otherwise, because file locks and SQLite's shared memory
  /// aren't reliable between machines.
  bool allow_network_file_system = false;
  std::optional<RemoteTierOptions> remote_tier;
  /// Whether other users may read the entries; nullopt: as before, at first not. Nobody but the
  /// owner of the cache's folder can use the cache.
  std::optional<bool> readable_by_others;
  /// For callers that make room, such as `rtenv cache gc`: on a full disk, use the space that the
  /// cache keeps for them.
  bool makes_room = false;
};

/// In a dry run: what would be removed.
struct CollectReport {
  std::vector<Eviction> removed;
  std::uint64_t removed_parts = 0;      // of uv's folder and the quarantine
  std::uint64_t freed_parts_bytes = 0;  // by removing these
  std::uint64_t freed_bytes = 0;        // altogether
  std::uint64_t kept_bytes = 0;         // to which the limits apply
  std::uint64_t held_bytes = 0;         // part of kept_bytes that is in use or pinned
};

/// The disk space of a cache's folder. The sum is what du(1) counts.
struct DiskUsage {
  std::uint64_t entry_bytes = 0;       // what the removal of each entry would give back
  std::uint64_t uv_bytes = 0;          // uv's own cache, with the files of environments
  std::uint64_t quarantine_bytes = 0;  // see Cache::verify
  std::uint64_t other_bytes = 0;       // the ledger, digests, logs, temporary files, …

  [[nodiscard]] std::uint64_t total_bytes() const {
    return entry_bytes + uv_bytes + quarantine_bytes + other_bytes;
  }
};

struct VerifyReport {
  std::uint64_t checked = 0;             // entries whose content matches their digest
  std::uint64_t recorded = 0;            // entries of an earlier version, which had no digest
  std::vector<EntryRow> quarantined;     // changed; moved to quarantine/
  std::vector<EntryRow> damaged_in_use;  // changed, but in use or pinned; left in place
  std::vector<EntryRow> missing;         // the files were missing; the row was removed
};

/// Thread-safe. Copies share one state. After fork(2), the child must open the cache again: the
/// functions of its copy fail (invalid_argument).
class Cache {
 public:
  /// Opens or creates the cache and removes leftovers of crashed processes; leftovers that can't be
  /// removed are logged. Fails: permission_denied (also: the folder is another user's or others may
  /// write to it, a read-only file system), out_of_space, invalid_argument (a ledger
  /// of another version; a network file system), unavailable, corrupt, cancelled (see WaitScope).
  static Result<Cache> open(const Path& root, CacheOptions options = {});

  [[nodiscard]] const Path& root() const;
  /// Folder for pkg::DigestCache, which manages its files itself.
  static Path digests_folder(const Path& root) { return root / "digests"; }
  /// Folder for uv's own cache, on the same file system as the environments.
  static Path uv_folder(const Path& root) { return root / "uv"; }
  /// For a process that runs uv in uv_folder(root()): as long as the lock is held, nothing in that
  /// folder is removed. Waits for a process that removes something, which takes milliseconds.
  /// Fails: as LockFile::acquire.
  Result<LockFile> use_uv_folder(const WaitOptions& options);
  /// Path of an entry, whether or not it exists.
  [[nodiscard]] Path path_of(Kind kind, KeyView key) const;

  /// Leases an entry; counts as a hit. Returns nullopt if it doesn't exist or isn't ready. Fails:
  /// as the ledger.
  Result<std::optional<Lease>> find(Kind kind, KeyView key);

  /// Leases an entry; builds it first if it doesn't exist. If several processes or threads request
  /// the same entry, one builds it and the others wait. A failed builder leaves nothing. Fails:
  /// cancelled, out_of_space, permission_denied, and as `builder` and the ledger.
  Result<Lease> get_or_build(Kind kind, KeyView key, const Builder& builder,
                             const BuildOptions& options = {});

  /// Leases an entry whose key begins with `key_prefix` and which nobody else uses: of several
  /// calls at once, in any processes, each gets another entry. Counts as a hit. Returns nullopt if
  /// there is none. The entry's files may be missing. Fails: as the ledger.
  Result<std::optional<Lease>> lease_unused(Kind kind, std::string_view key_prefix);
  /// Whether `lease_unused` would find an entry. Fails: as the ledger.
  Result<bool> has_unused(Kind kind, std::string_view key_prefix);
  [[nodiscard]] const Limits& limits() const noexcept;
  /// Whether an entry of this size can be added without exceeding the limits of CacheOptions.
  /// Fails: as the ledger and statvfs(3).
  Result<bool> has_room(Kind kind, std::uint64_t bytes);

  /// Least recently used first. Fails: as the ledger.
  Result<std::vector<EntryRow>> entries();
  /// Those that are ready, have a key with this prefix, and whose folder exists, the one whose
  /// build began last first. Without holders and pins. Fails: as the ledger.
  Result<std::vector<EntryRow>> ready_entries(Kind kind, std::string_view key_prefix);
  /// Fails: as the ledger.
  Result<std::map<Kind, KindUsage>> usage();
  /// Reads the properties of all files that may have changed since they were measured; entries()
  /// and usage() have the new sizes afterwards. Fails: cancelled, and as the ledger.
  Result<DiskUsage> measure(const Cancellation* cancellation = nullptr);
  /// The space to which limits apply, as measured last. Fails: as the ledger.
  Result<std::uint64_t> size_bytes();

  /// Returns false if there is no such entry. Fails: busy (leased, pinned or being built), and as
  /// the ledger; cancelled (the entry is removed, and its files are left to whoever cancelled it).
  Result<bool> remove(Kind kind, KeyView key, const Cancellation* cancellation = nullptr);

  /// Returns false if there is no such entry. Fails: invalid_argument (an empty name), and as the
  /// ledger.
  Result<bool> pin(Kind kind, KeyView key, const Pin& pin);
  /// Returns false if there is no such pin. Fails: as the ledger.
  Result<bool> unpin(Kind kind, KeyView key, std::string_view name);
  /// Removes the pins of this name from all entries; returns false if there is none. Fails: as the
  /// ledger.
  Result<bool> unpin_all(std::string_view name);
  /// The names of all pins that begin with `prefix`. Fails: as the ledger.
  Result<std::vector<std::string>> pin_names(std::string_view prefix);

  /// Evicts entries beyond `limits`, see choose_evictions, and removes files that aren't in the
  /// ledger. Comes as close as possible to limits that are out of reach. What can't be removed is
  /// logged. Waits while another process evicts. Fails: cancelled, and as the ledger.
  Result<CollectReport> collect(const Limits& limits, bool dry_run,
                                const Cancellation* cancellation = nullptr);

  /// Evicts entries beyond the limits of CacheOptions, if a lease or a pin of this object ended
  /// since the last call: an entry that was in use when the limits were enforced last may be
  /// evictable now. Leases don't do this in their destructors; call it after releasing leases, at
  /// the end of a command or a job. Doesn't wait for another process that evicts, but leaves it a
  /// note to look again. A failure is logged: what the caller did before is done all the same.
  /// After CacheOptions::makes_room, also reserves again what was used of the reserve.
  void enforce_limits(const Cancellation* cancellation = nullptr);

  /// Reads every entry and compares it with its digest. Fails: cancelled; as the ledger.
  Result<VerifyReport> verify(unsigned threads, const Cancellation* cancellation = nullptr);

  /// The record of a fetched object. `digest` identifies the object; it stands for names that
  /// may be secret. A record is deleted with its entry. Fails: as the ledger.
  Result<std::optional<FetchRecord>> find_fetch_record(std::string_view digest);
  Result<void> remember_fetch(std::string_view digest, const FetchRecord& record);
  /// A lock for work that one process at a time should do. Fails: as LockFile::acquire.
  Result<LockFile> lock(std::string_view name, const WaitOptions& options);
  /// Nullopt if another process holds it. Fails: as LockFile::try_acquire.
  Result<std::optional<LockFile>> try_lock(std::string_view name);
  /// Held by a process that removes temporary folders of processes that have died; others leave
  /// them to it.
  static constexpr std::string_view k_sweeper_lock = "sweeper";

  /// Whether new entries are pushed in the background (TierMode::write_back).
  [[nodiscard]] bool sends_later() const;
  /// Pushes entries that the remote tier doesn't have. Waits while another process pushes. Fails:
  /// invalid_argument (no tier), and as RemoteTier::push.
  Result<void> flush(const Cancellation* cancellation);
  /// See RemoteTier::remove_expired. Fails: also invalid_argument (no tier).
  Result<ExpiredArchives> remove_expired(bool dry_run, const Cancellation* cancellation);

  /// A folder on the cache's file system. After a crash, it is removed when the cache is opened.
  /// Fails: out_of_space, permission_denied, and as the ledger.
  Result<TempDir> make_temp_dir(const Cancellation* cancellation = nullptr);

 private:
  explicit Cache(std::shared_ptr<CacheState> state) : state_(std::move(state)) {}
  std::shared_ptr<CacheState> state_;
};

}  // namespace rtenv::cache
