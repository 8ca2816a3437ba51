// This process as a holder of leases: a lock file that is locked for exactly as long as the
// process, or a child that inherited the descriptor, lives; and a row in the ledger that names it.
#pragma once

#include <optional>
#include <string>

#include "base/lock_file.hpp"
#include "cache/ledger.hpp"

namespace rtenv::cache {

class Holder {
 public:
  /// Locks a new file in `locks` first, then enters the row: no sweeper ever finds the row
  /// unlocked.
  static Result<Holder> create(const Path& locks, Ledger& ledger);

  [[nodiscard]] HolderId id() const noexcept { return id_; }
  [[nodiscard]] const std::string& lock_name() const noexcept { return lock_name_; }
  [[nodiscard]] int lock_fd() const noexcept { return lock_.fd().get(); }

  /// Removes the row and the file; at an orderly end.
  void retire(const Path& locks, Ledger& ledger) noexcept;

 private:
  Holder(HolderId id, std::string lock_name, LockFile lock)
      : id_(id), lock_name_(std::move(lock_name)), lock_(std::move(lock)) {}
  HolderId id_;
  std::string lock_name_;
  LockFile lock_;
};

/// Removes the rows, with their leases, of holders whose lock is free, and their lock files.
/// Returns the lock names of those that live.
Result<std::vector<std::string>> sweep_holders(const Path& locks, Ledger& ledger);

}  // namespace rtenv::cache
