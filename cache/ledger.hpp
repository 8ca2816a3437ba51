// The cache's book: which entries there are, how large, last used when, and who holds them. SQLite; several processes
// write to one ledger. What a row says of the disk is checked by the Cache; the ledger itself touches no entry.
// Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/database.hpp"
#include "base/fd.hpp"
#include "cache/kind.hpp"

namespace rtenv::cache {

using EntryId = std::int64_t;
using HolderId = std::int64_t;
using LeaseId = std::int64_t;

/// A process that holds leases. It is alive exactly as long as it, or a child that inherited it, has the lock.
struct HolderRow {
  HolderId id = 0;
  std::string lock_name;  // of the file in locks/
  std::string boot_id;
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;  // since boot, of that process: tells it from a later one of the same number
};

struct EntryRow {
  EntryId id = 0;
  Kind kind = Kind::tree;
  std::string key;
  bool ready = false;  // false: is being built in place
  std::uint64_t size_bytes = 0;
  std::int64_t created_ms = 0;    // Unix time
  std::int64_t last_used_ms = 0;  // Unix time
  std::vector<std::int64_t> holder_pids;
};

/// What an object of a store was when it was fetched, and the entry that it became.
struct SourceRow {
  std::string version;  // as the store says it: an ETag, a generation
  std::string sha256;   // of the object's bytes
  Kind kind = Kind::file;
  std::string key;
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

  /// A lease on an entry that is ready, in one step: nothing can evict it between the look and the lease.
  Result<std::optional<LeasedEntry>> lease(Kind kind, std::string_view key, HolderId holder);
  Result<void> release(LeaseId lease);

  /// Says that an entry is being built under its final path.
  Result<void> begin_building(Kind kind, std::string_view key);
  /// Makes an entry ready and leases it, in one step.
  Result<LeasedEntry> publish(Kind kind, std::string_view key, std::uint64_t size_bytes, HolderId holder);
  Result<void> forget(Kind kind, std::string_view key);

  /// Removes the row of an entry that nobody holds; calls `take_away` (a rename) within the transaction, so that no
  /// other process sees the one without the other. False where it isn't there.
  /// Fails: permission_denied where it is held or being built; what `take_away` fails with.
  template <class TakeAway>
  Result<bool> remove_unheld(Kind kind, std::string_view key, TakeAway take_away) {
    const std::lock_guard lock(*mutex_);
    return database_.transaction([&]() -> Result<bool> {
      RTENV_TRY(const auto row, find_locked(kind, key));
      if (!row) return false;
      if (!row->ready) return fail(Errc::permission_denied, "{} is being built", key).hint("try again when it is done");
      if (!row->holder_pids.empty())
        return fail(Errc::permission_denied, "{} is in use by process {}", key, row->holder_pids.front())
            .hint("try again when it has ended");
      RTENV_TRY(forget_locked(kind, key));
      RTENV_TRY(take_away());
      return true;
    });
  }

  /// `digest` stands for the object: of all that names it, which may be secret. Gone with its entry.
  Result<std::optional<SourceRow>> find_source(std::string_view digest);
  Result<void> remember_source(std::string_view digest, const SourceRow& source);

  /// All entries, least recently used first.
  Result<std::vector<EntryRow>> entries();

 private:
  explicit Ledger(Database database) : database_(std::move(database)), mutex_(std::make_unique<std::mutex>()) {}
  Result<std::optional<EntryRow>> find_locked(Kind kind, std::string_view key);
  Result<void> forget_locked(Kind kind, std::string_view key);
  Result<LeaseId> insert_lease_locked(EntryId entry, HolderId holder);

  Database database_;
  std::unique_ptr<std::mutex> mutex_;
};

}  // namespace rtenv::cache
