// The cache's book: which entries there are, how large, last used when, who holds them and what is
// pinned. SQLite; several processes write to one ledger. What a row says of the disk is checked by
// the Cache; the ledger itself touches no entry. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/database.hpp"
#include "cache/kind.hpp"

namespace rtenv::cache {

using EntryId = std::int64_t;
using HolderId = std::int64_t;
using LeaseId = std::int64_t;

/// A process that holds leases. It is alive exactly as long as it, or a child that inherited it,
/// has the lock.
struct HolderRow {
  HolderId id = 0;
  std::string lock_name;  // of the file in locks/
  std::string boot_id;
  std::int64_t pid = 0;
  std::int64_t start_ticks =
      0;  // since boot, of that process: tells it from a later one of the same number
};

/// Keeps an entry without a process: from an upload until its job begins, or for good.
struct Pin {
  std::string name;                        // whoever pins; one pin of a name on an entry
  std::optional<std::int64_t> expires_ms;  // Unix time; nothing: never
};

struct EntryRow {
  EntryId id = 0;
  Kind kind = Kind::tree;
  std::string key;
  bool ready = false;  // false: is being made
  std::uint64_t size_bytes = 0;
  std::int64_t created_ms = 0;    // Unix time
  std::int64_t last_used_ms = 0;  // Unix time
  std::uint64_t hits = 0;         // how often it was there when it was wanted
  std::string digest;             // see tree_digest; empty: not computed yet
  std::vector<std::int64_t> holder_pids;
  std::vector<Pin> pins;  // that haven't expired

  [[nodiscard]] bool evictable() const { return ready && holder_pids.empty() && pins.empty(); }
};

/// Of all entries of a kind, those that are gone included.
struct KindUsage {
  std::uint64_t entries = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;       // entries that had to be made, or
  std::uint64_t pulls = 0;        // (of the misses) came from the remote tier
  std::uint64_t evictions = 0;    // not those that somebody removed by name
  std::uint64_t saved_bytes = 0;  // hits times size: what needn't be fetched, unpacked or installed
};

/// What an object of a store was when it was fetched, and the entry that it became.
struct FetchRecord {
  std::string version;  // as the store says it: an ETag, a generation
  std::string sha256;   // of the object's bytes
  Kind kind = Kind::file;
  std::string key;
};

/// A large file of a read-only entry: where another that is equal may become a link to it.
struct ContentRow {
  std::string digest;
  Kind kind = Kind::tree;  // of the entry, and its key: for reading
  std::string key;
  std::string path;  // within the entry
  bool executable = false;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
};

/// What is known of an entry once it is made.
struct MadeEntry {
  std::uint64_t size_bytes = 0;
  std::string digest;  // see tree_digest; empty: not computed yet
  std::vector<ContentRow> contents;
};

struct LeasedEntry {
  EntryId entry = 0;
  LeaseId lease = 0;
};

class Ledger {
 public:
  /// Opens or makes the file. Fails: invalid_argument where a newer rtenv made it.
  static Result<Ledger> open(const Path& file);

  Result<HolderId> add_holder(const HolderRow& holder);
  Result<std::vector<HolderRow>> holders();
  /// With all its leases.
  Result<void> remove_holder(HolderId holder);

  /// A lease on an entry that is ready, in one step: nothing can evict it between the look and the
  /// lease. A hit.
  Result<std::optional<LeasedEntry>> lease(Kind kind, std::string_view key, HolderId holder);
  Result<void> release(const LeasedEntry& leased);

  /// Says that an entry is being made under its final path, or is about to be moved there.
  Result<void> begin_making(Kind kind, std::string_view key);
  /// Makes an entry ready and leases it, in one step. A miss.
  Result<LeasedEntry> publish(Kind kind, std::string_view key, const MadeEntry& made,
                              HolderId holder);
  /// What was begun and won't be made; an entry that is ready stays.
  Result<void> forget_unready(Kind kind, std::string_view key);
  Result<void> set_digest(Kind kind, std::string_view key, std::string_view digest);

  /// False where there is no such entry that is ready.
  Result<bool> pin(Kind kind, std::string_view key, const Pin& pin);
  /// False where there was no such pin.
  Result<bool> unpin(Kind kind, std::string_view key, std::string_view name);

  enum class Removal : std::uint8_t { asked_for, eviction };
  /// Removes the row of an entry that nobody holds or has pinned; calls `take_away` (a rename)
  /// within the transaction, so that no other process sees the one without the other. False where
  /// it isn't there. Fails: permission_denied where it is held, pinned or being made; what
  /// `take_away` fails with.
  template <class TakeAway>
  Result<bool> remove_unheld(Kind kind, std::string_view key, Removal removal, TakeAway take_away) {
    const std::lock_guard lock(*mutex_);
    return database_.transaction([&]() -> Result<bool> {
      RTENV_TRY(const auto row, find_locked(kind, key));
      if (!row) return false;
      RTENV_TRY(check_unheld(*row));
      RTENV_TRY(forget_locked(kind, key));
      if (removal == Removal::eviction) RTENV_TRY(count_eviction_locked(kind));
      RTENV_TRY(take_away());
      return true;
    });
  }

  /// A miss was met by the remote tier.
  Result<void> count_pull(Kind kind);
  /// What the remote tier is still to get.
  Result<void> note_unsent(const EntryName& entry);
  Result<std::vector<EntryName>> unsent();
  Result<void> forget_unsent(const EntryName& entry);

  /// `digest` stands for the object: of all that names it, which may be secret. Gone with its
  /// entry.
  Result<std::optional<FetchRecord>> find_fetch_record(std::string_view digest);
  Result<void> remember_fetch(std::string_view digest, const FetchRecord& source);

  /// Entries that had a file of this content when they were made; a few at most.
  Result<std::vector<ContentRow>> find_content(std::string_view digest, bool executable);

  Result<std::optional<EntryRow>> find(Kind kind, std::string_view key);
  /// All entries, least recently used first. Who holds or pins them may have changed since.
  Result<std::vector<EntryRow>> entries();
  /// Those that are being made, or that their maker left so.
  Result<std::vector<EntryRow>> unready_entries();
  /// Costs the same for any number of entries, but for the hits of those that are there.
  Result<std::map<Kind, KindUsage>> usage();
  /// What the sizes of entries count more than once: of files that are one inode.
  Result<std::uint64_t> shared_bytes();
  /// What all entries take. Costs the same for any number of them.
  Result<std::uint64_t> size_bytes();

 private:
  explicit Ledger(Database database)
      : database_(std::move(database)), mutex_(std::make_unique<std::mutex>()) {}
  static Result<void> check_unheld(const EntryRow& row);
  Result<std::optional<EntryRow>> find_locked(Kind kind, std::string_view key);
  Result<void> forget_locked(Kind kind, std::string_view key);
  Result<void> count_eviction_locked(Kind kind);
  Result<void> insert_contents_locked(EntryId entry, const std::vector<ContentRow>& contents);
  Result<LeaseId> insert_lease_locked(EntryId entry, HolderId holder);

  Database database_;
  std::unique_ptr<std::mutex> mutex_;
};

}  // namespace rtenv::cache
