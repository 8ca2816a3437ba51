// A lease protects a cache entry from eviction and removal while a process uses it.
#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"
#include "cache/entry.hpp"

namespace rtenv::cache {

class CacheState;

/// The lease ends with its object or its process; a child process that inherits `lock_fd` keeps it
/// alive. A copy of the object in a fork of the process doesn't end it. Move-only; thread-safe.
///
/// The destructor deletes one row of the ledger and does nothing else. It doesn't evict: see
/// Cache::enforce_limits.
class Lease {
 public:
  /// For the cache itself; Cache::find and Cache::get_or_build return leases.
  Lease(std::shared_ptr<CacheState> state, LeasedEntry leased, EntryName entry, Path path);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  [[nodiscard]] Kind kind() const noexcept { return entry_.kind; }
  [[nodiscard]] const Key& key() const noexcept { return entry_.key; }
  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// Records the entry's size after its user has added files. Fails: as tree_usage and the ledger.
  Result<void> measure_again() const;
  /// For SpawnOptions::keep_fds: a child that has this descriptor keeps all leases of this process.
  [[nodiscard]] int lock_fd() const noexcept;

 private:
  void release() noexcept;
  std::shared_ptr<CacheState> state_;
  LeasedEntry leased_;
  EntryName entry_;
  Path path_;
};

}  // namespace rtenv::cache
