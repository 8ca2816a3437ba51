// Counts what unpacking an archive creates and what is decompressed for it, and stops it at its
// limits. Thread-safe.
#pragma once

#include <atomic>

#include "pkg/archive_number.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {

/// The error for an archive with more entries than `limits` allow.
Failure too_many_entries(const UnpackLimits& limits);

class UnpackBudget {
 public:
  UnpackBudget(const UnpackLimits& limits, std::uint64_t archive_bytes,
               const Cancellation* cancellation)
      : limits_(limits), archive_bytes_(archive_bytes), cancellation_(cancellation) {}
  UnpackBudget(const UnpackOptions& options, std::uint64_t archive_bytes)
      : limits_(options.limits),
        archive_bytes_(archive_bytes),
        cancellation_(options.cancellation),
        progress_(options.on_progress) {}

  /// Call before an entry is created. Fails: invalid_argument (too many entries), cancelled.
  Result<void> add_entry();
  /// Call before data is written. What the archive states may be any number. Fails:
  /// invalid_argument (too much data, or too much for the archive's size), cancelled.
  Result<void> add_bytes(ArchiveNumber count);
  /// Call for all that is decompressed, whatever it belongs to: an archive may have data that no
  /// entry has. The usual headers are free. Fails: as add_bytes.
  Result<void> add_decompressed(std::uint64_t count);

  /// How far it is; add_bytes adds to it.
  ProgressMeter& progress() noexcept { return progress_; }

  void count_file() { ++files_; }
  void count_directory() { ++directories_; }
  void count_link() { ++links_; }
  [[nodiscard]] UnpackSummary summary() const { return {files_, directories_, links_, bytes_}; }

 private:
  [[nodiscard]] Result<void> check_cancellation() const;
  [[nodiscard]] Result<void> check_total(std::uint64_t total) const;
  UnpackLimits limits_;
  std::uint64_t archive_bytes_;
  const Cancellation* cancellation_;
  ProgressMeter progress_{{}};
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> decompressed_{0};
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> directories_{0};
  std::atomic<std::uint64_t> links_{0};
};

}  // namespace rtenv::pkg
