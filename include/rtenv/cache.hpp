// A folder that keeps what is expensive to make: unpacked directories, virtual environments,
// fetched files. Any number of processes and threads of one user may use one cache. After a crash
// at any time, an entry is complete or absent; after a power loss as well.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rtenv/options.hpp"

namespace rtenv {

struct CacheLimits {
  std::optional<std::uint64_t> max_bytes = {};
  /// If less of the disk is free, entries are evicted.
  std::optional<std::uint64_t> min_free_bytes = {};
  std::optional<std::chrono::seconds> max_age = {};  // since the last use
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
};

struct CacheOptions {
  /// Of the settings below that are nullopt: RTENV_CACHE_MAX_SIZE, RTENV_CACHE_MIN_FREE,
  /// RTENV_CACHE_READABLE, RTENV_CACHE_ON_NETWORK, RTENV_REMOTE_CACHE and RTENV_REMOTE_CACHE_…, as
  /// for the tool. nullopt: the variables of the process.
  std::optional<Variables> environment = {};
  /// Enforced after an entry is built, and by `enforce_limits`.
  std::optional<CacheLimits> limits = {};
  std::optional<RemoteCache> remote = {};
  /// Of the remote cache, in addition to the variables (AWS_…, …) of `environment`. Called as long
  /// as the cache lives.
  Credentials credentials = {};
  /// Whether other users may read the entries.
  std::optional<bool> readable_by_others = {};
  /// Refused otherwise: file locks and SQLite's shared memory aren't reliable between machines.
  std::optional<bool> allow_network_file_system = {};
};

enum class EntryKind : std::uint8_t {
  tree = 0,            // an unpacked directory
  env = 1,             // a virtual environment
  tool = 2,            // a program that rtenv fetched for itself: uv
  file = 3,            // a fetched file
  copy = 4,            // a job's writable copy of a tree
  read_only_tree = 5,  // a write-protected copy of a tree
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
  std::vector<std::string> pins = {};
};

/// Of `gc`: in a dry run, what would be.
struct GcReport {
  std::vector<CacheEntry> removed = {};
  std::uint64_t freed_bytes = 0;
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
  /// of rtenv; on a network file system; a setting), out_of_space, unavailable, corrupt.
  static Result<Cache> open(const Path& root, const CacheOptions& options = {});

  Cache(const Cache&) = default;
  Cache& operator=(const Cache&) = default;
  ~Cache() = default;

  [[nodiscard]] Path root() const;
  /// For PackOptions::digest_cache.
  [[nodiscard]] Path digest_folder() const;

  /// Least recently used first.
  [[nodiscard]] Result<std::vector<CacheEntry>> entries() const;
  /// Leases an entry and counts as a use. nullopt: there is none, or it isn't ready. Fails:
  /// invalid_argument (text that can't be a key).
  Result<std::optional<Lease>> find(EntryKind kind, std::string_view key);

  /// Removes what exceeds the limits, least recently used first, but nothing that is leased or
  /// pinned. Fails: cancelled (what was removed stays removed).
  Result<GcReport> gc(const CacheLimits& limits, bool dry_run = false, std::stop_token stop = {});
  /// Removes what exceeds the cache's own limits, if a lease has ended since the last call. Leases
  /// don't do that when they end: call it after the last one, where its time doesn't matter.
  /// Failures are logged.
  void enforce_limits(std::stop_token stop = {});
  /// False: there is no such entry. Fails: busy (leased, pinned or being built), invalid_argument.
  Result<bool> remove(EntryKind kind, std::string_view key, std::stop_token stop = {});

  /// Protects an entry from removal until it is unpinned, also after this process. A second pin of
  /// the name replaces the first. False: there is no such entry, or pin. Fails: invalid_argument.
  Result<bool> pin(EntryKind kind, std::string_view key, std::string_view name,
                   std::optional<std::chrono::seconds> lifetime = {});
  Result<bool> unpin(EntryKind kind, std::string_view key, std::string_view name);

  /// Pushes what RemoteCache::Mode::write_back hasn't pushed yet. Fails: invalid_argument (no
  /// remote cache), as the store.
  Result<void> flush(std::stop_token stop = {});

  /// Reads every entry and compares it with its digest; moves changed ones that aren't in use away,
  /// and returns the number of those that were changed or missing. Fails: cancelled.
  Result<std::uint64_t> verify(std::stop_token stop = {});

 private:
  friend struct Internals;
  struct State;
  explicit Cache(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

/// Protects an entry from removal while it lives. Move-only; thread-safe. Ends with its process,
/// however that ends; a copy in a fork of the process doesn't end it.
class RTENV_API Lease {
 public:
  /// What was moved from has an empty path.
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  /// As `release`.
  ~Lease();

  /// The entry, or a file in it. Don't write to it.
  [[nodiscard]] const Path& path() const noexcept;
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
