// The cache's database: entries, their sizes and last uses, holders, leases and pins. SQLite;
// several processes write to one ledger. The ledger touches no entry's files: its user checks that
// they match the rows. Thread-safe.
//
// Every function fails as the database: unavailable (locked for too long), out_of_space, corrupt,
// internal, cancelled (the call was stopped while it waited for a lock, see WaitScope).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/call_mutex.hpp"
#include "base/database.hpp"
#include "cache/entry.hpp"

namespace rtenv::cache {

using HolderId = std::int64_t;

/// A process that holds leases. It is alive while its lock file is locked, also by a child, or
/// while the process itself runs.
struct HolderRow {
  HolderId id = 0;
  std::string lock_name;  // file in locks/
  std::string identity;   // see process_identity
};

struct LeasedKey {
  LeasedEntry leased;
  Key key;
};

/// The properties of a new entry that `publish` records.
struct BuiltEntry {
  std::uint64_t size_bytes = 0;
  std::string digest;  // see tree_digest; empty: DigestTime::never
};

/// A function of Database that opens it.
using OpenDatabase = Result<Database> (*)(const Path&);

class Ledger {
 public:
  /// Opens or creates the file. Fails: also invalid_argument (another version of the schema).
  static Result<Ledger> open(const Path& file, OpenDatabase open_database = Database::open);

  /// For what needs the cache's folder, but no row. Fails: unavailable (the file that was opened
  /// isn't there any more).
  [[nodiscard]] Result<void> check_present();

  // Entries (ledger.cpp)

  /// Inserts an entry that isn't ready: it is being built under its final path, or is about to be
  /// renamed to it. `lock_inode`: of the build's lock file, which this process holds.
  Result<void> begin_build(Kind kind, KeyView key, std::uint64_t lock_inode);
  /// Makes an entry ready that this process builds and leases it, in one transaction. Counts as a
  /// miss. Fails: also unavailable (another process began to build it).
  Result<LeasedEntry> publish(Kind kind, KeyView key, const BuiltEntry& built, HolderId holder);
  /// Deletes an entry that isn't ready; a ready one stays.
  Result<void> forget_unready(Kind kind, KeyView key);
  Result<void> set_digest(Kind kind, KeyView key, std::string_view digest);

  enum class Removal : std::uint8_t { requested, eviction };
  /// Deletes the row of an entry that isn't leased, pinned or being built. Calls `move_aside` (a
  /// rename) within the transaction, so that no other process sees the row without the files or the
  /// files without the row. Returns false if there is no such entry. Fails: also busy
  /// (leased, pinned or being built), and as `move_aside`.
  template <class MoveAside>
  Result<bool> remove_unheld(Kind kind, KeyView key, Removal removal, MoveAside move_aside) {
    RTENV_TRY(const auto lock, enter());
    return database_.transaction([&]() -> Result<bool> {
      RTENV_TRY(const auto row, find_locked(kind, key));
      if (!row) return false;
      RTENV_TRY(check_unheld(*row));
      RTENV_TRY(forget_locked(kind, key));
      if (removal == Removal::eviction) RTENV_TRY(count_eviction_locked(kind));
      RTENV_TRY(move_aside());
      return true;
    });
  }

  Result<std::optional<EntryRow>> find(Kind kind, KeyView key);
  /// All entries, least recently used first.
  Result<std::vector<EntryRow>> entries();
  /// The entries that are ready and have a key with this prefix, the one whose build began last
  /// first. Without holders and pins.
  Result<std::vector<EntryRow>> ready_entries(Kind kind, std::string_view key_prefix);
  /// Entries that are being built, or whose builder has died.
  Result<std::vector<EntryRow>> unready_entries();

  // Leases and pins (ledger_leases.cpp)

  /// For this process. `lock_name` is its file in locks/.
  Result<HolderId> add_holder(std::string_view lock_name);
  Result<std::vector<HolderRow>> holders();
  /// Deletes the holder and all its leases, which end now.
  Result<void> remove_holder(HolderId holder);

  /// Leases an entry that is ready, in one transaction, and counts a hit. Returns nullopt if there
  /// is no such entry.
  Result<std::optional<LeasedEntry>> lease(Kind kind, KeyView key, HolderId holder);
  /// Leases the most recently used of the entries that are ready, have a key with this prefix, and
  /// have no lease; in one transaction. Counts a hit. Returns nullopt if there is none.
  Result<std::optional<LeasedKey>> lease_unused(Kind kind, std::string_view key_prefix,
                                                HolderId holder);
  /// Whether `lease_unused` would find an entry.
  Result<bool> has_unused(Kind kind, std::string_view key_prefix);
  /// Deletes a lease. The entry was used until now. If the ledger is locked for too long, the next
  /// function that is called deletes it.
  Result<void> release(const LeasedEntry& leased);
  /// Corrects last uses in the future: the clock was set back, and the entries would outlive all
  /// others.
  Result<void> forget_future_uses();

  /// Returns false if there is no such entry that is ready.
  Result<bool> pin(Kind kind, KeyView key, const Pin& pin);
  /// Returns false if there is no such pin.
  Result<bool> unpin(Kind kind, KeyView key, std::string_view name);
  /// See Cache.
  Result<bool> unpin_all(std::string_view name);
  Result<std::vector<std::string>> pin_names(std::string_view prefix);

  // Totals (ledger_usage.cpp)

  /// The cost grows only with the number of entries that have hits.
  Result<std::map<Kind, KindUsage>> usage();
  /// Size of all entries and folders. The cost doesn't depend on their number.
  Result<std::uint64_t> size_bytes();
  /// Corrects the size of an entry, which has been measured again.
  Result<void> set_size(EntryId entry, std::uint64_t size_bytes);
  /// The size, as measured last, of what isn't an entry. `name` isn't a kind's.
  Result<void> set_folder_size(std::string_view name, std::uint64_t size_bytes);
  /// 0: not measured yet.
  Result<std::uint64_t> folder_size(std::string_view name);

  // Fetches and the remote tier (ledger_remote.cpp)

  /// See Cache::find_fetch_record.
  Result<std::optional<FetchRecord>> find_fetch_record(std::string_view digest);
  Result<void> remember_fetch(std::string_view digest, const FetchRecord& record);

  /// Counts a miss that the remote tier served.
  Result<void> count_pull(Kind kind);
  /// Adds an entry to the list of those to push to the remote tier.
  Result<void> note_unsent(const EntryName& entry);
  Result<std::vector<EntryName>> unsent();
  Result<void> forget_unsent(const EntryName& entry);

 private:
  // Leases that have ended, but not yet in the database. Thread-safe.
  class EndedLeases {
   public:
    /// For a lease that begins: its end takes no memory.
    void make_room() {
      const std::lock_guard lock(mutex_);
      leases_.reserve(leases_.size() + begun_ + 1);
      ++begun_;
    }
    /// Returns whether there were none.
    bool add(const LeasedEntry& lease) {
      const std::lock_guard lock(mutex_);
      const bool were_none = leases_.empty();
      leases_.push_back(lease);
      if (begun_ > 0) --begun_;
      return were_none;
    }
    [[nodiscard]] std::vector<LeasedEntry> all() {
      const std::lock_guard lock(mutex_);
      return leases_;
    }
    void remove_first(std::size_t count) noexcept {
      const std::lock_guard lock(mutex_);
      leases_.erase(leases_.begin(), leases_.begin() + static_cast<std::ptrdiff_t>(count));
    }

   private:
    std::mutex mutex_;
    std::vector<LeasedEntry> leases_;  // guarded by mutex_
    std::size_t begun_ = 0;            // guarded by mutex_; those whose begin failed count, too
  };

  explicit Ledger(Database database)
      : database_(std::move(database)),
        mutex_(std::make_unique<CallMutex>()),
        ended_leases_(std::make_unique<EndedLeases>()) {}
  static constexpr std::string_view k_name = "the cache's ledger";
  // What every function begins with: waits as CallMutex does, and deletes leases that have ended.
  Result<CallMutex::Lock> enter();
  Result<void> write_ended_leases_locked();
  static Result<void> check_unheld(const EntryRow& row);
  Result<std::optional<EntryRow>> find_locked(Kind kind, KeyView key);
  Result<void> forget_locked(Kind kind, KeyView key);
  Result<void> count_eviction_locked(Kind kind);
  Result<LeaseId> insert_lease_locked(EntryId entry, HolderId holder);

  Database database_;
  std::unique_ptr<CallMutex> mutex_;
  std::unique_ptr<EndedLeases> ended_leases_;
};

}  // namespace rtenv::cache
