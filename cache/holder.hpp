// This process as a holder of leases: a lock file and a row in the ledger. The lock is held as long
// as this process, or a child that inherited the descriptor, is alive.
#pragma once

#include <string>
#include <vector>

#include "base/lock_file.hpp"
#include "cache/ledger.hpp"

namespace rtenv::cache {

class Holder {
 public:
  /// Locks a new file in `locks`, then inserts the row: no other process finds the row unlocked.
  /// Fails: internal; as LockFile::try_acquire and the ledger.
  static Result<Holder> create(const Path& locks, Ledger& ledger);

  [[nodiscard]] HolderId id() const noexcept { return id_; }
  [[nodiscard]] const std::string& lock_name() const noexcept { return lock_name_; }
  [[nodiscard]] int lock_fd() const noexcept { return lock_.fd().get(); }

  /// Deletes the row and the file. Fails: as the ledger.
  Result<void> retire(const Path& locks, Ledger& ledger);
  /// After that failed: sweep_holders of any process deletes them, also while this one runs. Takes
  /// no memory.
  void mark_retired() const noexcept;

 private:
  Holder(HolderId id, std::string lock_name, LockFile lock)
      : id_(id), lock_name_(std::move(lock_name)), lock_(std::move(lock)) {}
  HolderId id_;
  std::string lock_name_;
  LockFile lock_;
};

/// Deletes the rows, leases and lock files of holders that have died. Returns the lock names of the
/// others. Fails: internal; as LockFile::try_acquire and the ledger.
Result<std::vector<std::string>> sweep_holders(const Path& locks, Ledger& ledger);

}  // namespace rtenv::cache
