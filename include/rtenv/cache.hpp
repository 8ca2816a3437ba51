// A folder that keeps what is expensive to make: unpacked directories, virtual environments,
// fetched files. Any number of processes and threads of one user may use one cache. After a crash
// at any time, an entry is complete or absent; after a power loss as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtenv/options.hpp"

namespace rtenv {

enum class EntryKind : std::uint8_t {
  tree = 0,            // an unpacked directory
  env = 1,             // a virtual environment
  tool = 2,            // a program that rtenv fetched for itself: uv
  file = 3,            // a fetched file
  copy = 4,            // a job's writable copy of a tree
  read_only_tree = 5,  // a write-protected copy of a tree
};

/// "tree", "env", "tool", "file", "copy", "read-only-tree".
RTENV_API std::string_view name(EntryKind kind) noexcept;
/// The kind with this name.
RTENV_API std::optional<EntryKind> entry_kind(std::string_view name) noexcept;

struct CacheLimits {
  std::optional<std::uint64_t> max_bytes = {};
  std::map<EntryKind, std::uint64_t> max_bytes_of_kind = {};
  /// If less of the disk is free, entries are evicted until `target_free_bytes` are.
  std::optional<std::uint64_t> min_free_bytes = {};
  std::optional<std::uint64_t> target_free_bytes = {};  // nullopt: as min_free_bytes
  std::optional<std::chrono::seconds> max_age = {};     // since the last use
};

/// Another place for environments, shared by machines: a prefix in an object store.
struct RemoteCache {
  enum class Mode : std::uint8_t {
    read = 0,           // environments are pulled, none are pushed
    write_through = 1,  // a new one is pushed before it is used
    write_back = 2,     // a new one is pushed in the background; see Cache::flush
  };
  std::string uri = {};  // s3://bucket/prefix/, gs://…, azure://…, https://…, file:///…
  Mode mode = Mode::read;
  std::optional<std::chrono::seconds> max_age = {};  // of archives, for Cache::gc_remote
};

struct CacheOptions {
  /// Where settings below that are nullopt are looked up, as by the tool: RTENV_CACHE_MAX_SIZE,
  /// RTENV_CACHE_MIN_FREE, RTENV_CACHE_READABLE, RTENV_CACHE_ON_NETWORK, RTENV_REMOTE_CACHE and
  /// RTENV_REMOTE_CACHE_…. If this is nullopt itself: in the variables of the process.
  std::optional<Variables> environment = {};
  /// Enforced after an entry is built, and by `enforce_limits`.
  std::optional<CacheLimits> limits = {};
  std::optional<RemoteCache> remote = {};
  bool no_remote = false;  // not even that of the variables
  /// Of the remote cache, in addition to the variables (AWS_…, …) of `environment`. Called as long
  /// as the cache lives.
  Credentials credentials = {};
  /// Whether other users may read the entries.
  std::optional<bool> readable_by_others = {};
  /// Refused otherwise: file locks and SQLite's shared memory aren't reliable between machines.
  std::optional<bool> allow_network_file_system = {};
  /// For a program that opens the cache to remove entries: lets it use the space that every cache
  /// reserves for its database, so that it can also do so on a full disk.
  bool makes_room = false;
  Stop stop = {};  // of Cache::open alone
};

struct CachePin {
  std::string name = {};
  std::optional<std::int64_t> expires_ms = {};  // milliseconds since 1970; nullopt: never
};

/// As it was at one moment. Times: milliseconds since 1970.
struct CacheEntry {
  EntryKind kind = EntryKind::tree;
  std::string key = {};
  Path path = {};
  bool is_ready = false;  // false: being built
  std::uint64_t size_bytes = 0;
  std::int64_t created_ms = 0;
  std::int64_t last_used_ms = 0;
  std::uint64_t hits = 0;
  std::vector<std::int64_t> holder_pids = {};  // processes that lease it
  std::vector<CachePin> pins = {};
};

/// Of `gc`: in a dry run, what would be.
struct GcReport {
  struct Removed {
    CacheEntry entry = {};
    std::string reason = {};  // the limit: "age", "kind_size", "size", "free_space"
  };
  std::vector<Removed> removed = {};
  std::uint64_t removed_parts = 0;  // of uv's cache and the quarantine
  std::uint64_t freed_parts_bytes = 0;
  std::uint64_t freed_bytes = 0;  // altogether
  std::uint64_t kept_bytes = 0;
  std::uint64_t held_bytes = 0;  // the part of kept_bytes that is leased or pinned
};

struct VerifyReport {
  std::uint64_t intact = 0;
  std::uint64_t recorded = 0;  // entries of an earlier version, which had no digest; they have now
  std::vector<CacheEntry> quarantined = {};     // changed; moved to the folder quarantine
  std::vector<CacheEntry> damaged_in_use = {};  // changed, but leased or pinned; left in place
  std::vector<CacheEntry> missing = {};         // their files were; they are no entries any more
};

/// Of all entries of a kind that are or were in the cache.
struct KindUsage {
  std::uint64_t entries = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;       // entries that were built, or pulled from the remote cache
  std::uint64_t pulls = 0;        // misses that the remote cache served
  std::uint64_t evictions = 0;    // without removals by name
  std::uint64_t saved_bytes = 0;  // hits times size
};

/// Of the cache's folder. The sum is what du(1) counts.
struct DiskUsage {
  std::uint64_t entry_bytes = 0;
  std::uint64_t uv_bytes = 0;  // uv's own cache, with the files that environments have from it
  std::uint64_t quarantine_bytes = 0;
  std::uint64_t other_bytes = 0;  // logs, digests, temporary files, …

  [[nodiscard]] std::uint64_t total_bytes() const noexcept {
    return entry_bytes + uv_bytes + quarantine_bytes + other_bytes;
  }
};

struct RemoteGcReport {
  std::uint64_t removed = 0;  // archives
  std::uint64_t freed_bytes = 0;
  std::uint64_t kept = 0;
  std::uint64_t kept_bytes = 0;
};

class Lease;

/// Thread-safe. Copies are the same cache. The destructor of the last one waits for what it is
/// pushing in the background. After fork(2), the child must open the cache again: its copies fail
/// (invalid_argument), and do nothing when they are destroyed.
class RTENV_API Cache {
 public:
  /// Where the tool has its cache: RTENV_CACHE_DIR, else rtenv in XDG_CACHE_HOME or ~/.cache.
  /// Fails: invalid_argument (HOME isn't set).
  static Result<Path> default_root(const Options& options = {});

  /// Opens or creates it, and removes what crashed processes left. Fails: permission_denied (also:
  /// the folder is another user's, or others may write to it), invalid_argument (of another version
  /// of rtenv; on a network file system; a setting), not_found (a link that leads nowhere),
  /// out_of_space, unavailable, corrupt, cancelled.
  static Result<Cache> open(const Path& root, const CacheOptions& options = {});

  Cache(const Cache&) = default;
  Cache& operator=(const Cache&) = default;
  ~Cache() = default;

  [[nodiscard]] Path root() const;
  /// For PackOptions::digest_cache.
  [[nodiscard]] Path digest_folder() const;

  /// The limits of CacheOptions.
  [[nodiscard]] CacheLimits limits() const;

  /// Least recently used first.
  [[nodiscard]] Result<std::vector<CacheEntry>> entries() const;
  /// Leases an entry and counts as a use. nullopt: there is none, or it isn't ready. Fails:
  /// invalid_argument (text that can't be a key).
  Result<std::optional<Lease>> find(EntryKind kind, std::string_view key);

  /// Removes what exceeds the limits, least recently used first, but nothing that is leased or
  /// pinned. Fails: cancelled (what was removed stays removed).
  Result<GcReport> gc(const CacheLimits& limits, bool dry_run = false, Stop stop = {});
  /// Removes what exceeds the cache's own limits, if a lease has ended since the last call. Leases
  /// don't do that when they end: call it after the last one, where its time doesn't matter.
  /// Failures are logged.
  void enforce_limits(Stop stop = {});
  /// Removes archives from the remote cache that are older than RemoteCache::max_age. Fails:
  /// invalid_argument (no remote cache, no max_age), cancelled, as the store.
  Result<RemoteGcReport> gc_remote(bool dry_run = false, Stop stop = {});
  /// False: there is no such entry. Fails: busy (leased, pinned or being built), invalid_argument.
  Result<bool> remove(EntryKind kind, std::string_view key, Stop stop = {});

  /// Protects an entry from removal until it is unpinned, also after this process. A second pin of
  /// the name replaces the first. False: there is no such entry, or pin. Fails: invalid_argument.
  Result<bool> pin(EntryKind kind, std::string_view key, std::string_view name,
                   std::optional<std::chrono::seconds> lifetime = {});
  Result<bool> unpin(EntryKind kind, std::string_view key, std::string_view name);

  /// Pushes what RemoteCache::Mode::write_back hasn't pushed yet. Fails: invalid_argument (no
  /// remote cache), as the store.
  Result<void> flush(Stop stop = {});

  /// Reads every entry and compares it with its digest; moves changed ones that aren't in use away.
  /// Fails: cancelled.
  Result<VerifyReport> verify(Stop stop = {});

  /// As the sizes were measured last.
  [[nodiscard]] Result<std::map<EntryKind, KindUsage>> usage() const;
  /// What the limits apply to, as measured last.
  [[nodiscard]] Result<std::uint64_t> size_bytes() const;
  /// Measures what may have changed since the last time. Fails: cancelled.
  Result<DiskUsage> measure(Stop stop = {});

 private:
  friend struct Internals;
  struct State;
  explicit Cache(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// Protects an entry from removal while it lives. Move-only; thread-safe but for `release`, moving
/// and destroying. Ends with its process, however that ends; a copy in a fork of the process
/// doesn't end it.
class RTENV_API Lease {
 public:
  /// What was moved from has an empty path.
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  /// As `release`.
  ~Lease();

  /// The entry, or a file in it. Don't write to it.
  [[nodiscard]] const Path& path() const noexcept;
  /// The entry's, for Cache::pin and others; empty once it is released. The key of an environment
  /// begins with that of its plan.
  [[nodiscard]] std::string_view key() const noexcept;
  [[nodiscard]] EntryKind kind() const noexcept;
  /// Deletes one row of the cache's ledger, which may wait for another process for some
  /// milliseconds. A second call does nothing.
  void release() noexcept;

 private:
  friend struct Internals;
  struct State;
  explicit Lease(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rtenv
