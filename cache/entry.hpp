// Snapshots of the ledger's rows, with which the cache describes its entries. Other processes may
// lease, pin or evict an entry at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/process_identity.hpp"
#include "cache/kind.hpp"

namespace rtenv::cache {

using EntryId = std::int64_t;
using LeaseId = std::int64_t;

/// Protects an entry from eviction and removal without a process: from an upload until its job
/// begins, or until it is unpinned.
struct Pin {
  std::string name;                        // unique per entry
  std::optional<std::int64_t> expires_ms;  // Unix time; nullopt: never
};

struct EntryRow {
  EntryId id = 0;
  Kind kind = Kind::tree;
  Key key;
  bool ready = false;  // false: being built
  std::uint64_t size_bytes = 0;
  std::int64_t created_ms = 0;    // Unix time
  std::int64_t last_used_ms = 0;  // Unix time; the end of the last lease that ended
  std::uint64_t hits = 0;
  std::string digest;              // see tree_digest; empty: none, or of an earlier version
  std::string builder;             // while not ready: the identity of the process that builds it
  std::uint64_t builder_lock = 0;  // while not ready: the inode of the lock file that it holds
  std::vector<std::int64_t> holder_pids;
  std::vector<Pin> pins;  // without the expired ones

  /// Whether another process still builds it, although this one has the build's lock, whose file is
  /// `lock_inode`: it does if it holds the lock of a file that was removed. An inode isn't used
  /// again while a process has it open.
  [[nodiscard]] bool is_built_elsewhere(std::uint64_t lock_inode) const {
    return !ready && builder_lock != lock_inode && process_state(builder) == ProcessState::alive;
  }
  [[nodiscard]] bool evictable() const { return ready && holder_pids.empty() && pins.empty(); }
};

/// Totals of a kind. All counters but `entries` and `size_bytes` include entries that were removed.
struct KindUsage {
  std::uint64_t entries = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;       // entries that were built here or pulled from the remote tier
  std::uint64_t pulls = 0;        // misses that the remote tier served
  std::uint64_t evictions = 0;    // without removals by name
  std::uint64_t saved_bytes = 0;  // hits times size: not fetched, unpacked or installed again
};

/// A fetched object: its version in the store, and the entry that holds it.
struct FetchRecord {
  std::string version;  // as the store reports it: an ETag, a generation
  std::string sha256;   // of the object's bytes
  EntryName entry;
};

/// Identifies a lease in the ledger.
struct LeasedEntry {
  EntryId entry = 0;
  LeaseId lease = 0;
};

}  // namespace rtenv::cache
