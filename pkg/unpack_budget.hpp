// Counts what an unpacking makes, and stops it at its limits. Thread-safe.
#pragma once

#include <atomic>

#include "pkg/unpack.hpp"

namespace rtenv::pkg {

class UnpackBudget {
 public:
  UnpackBudget(const UnpackLimits& limits, std::uint64_t archive_bytes,
               const Cancellation* cancellation)
      : limits_(limits), archive_bytes_(archive_bytes), cancellation_(cancellation) {}

  /// Before an entry is made. Fails: invalid_argument (too many), cancelled.
  Result<void> add_entry();
  /// Before data is written. Fails: invalid_argument (too large, or too large for so small an
  /// archive).
  Result<void> add_bytes(std::uint64_t count);

  void count_file() { ++files_; }
  void count_directory() { ++directories_; }
  void count_link() { ++links_; }
  [[nodiscard]] UnpackSummary summary() const { return {files_, directories_, links_, bytes_}; }

 private:
  UnpackLimits limits_;
  std::uint64_t archive_bytes_;
  const Cancellation* cancellation_;
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> directories_{0};
  std::atomic<std::uint64_t> links_{0};
};

/// The permissions of an unpacked file. Fails: invalid_argument for set-uid, set-gid and sticky
/// bits.
Result<mode_t> checked_permissions(std::string_view path, std::uint32_t mode);

/// Fails: invalid_argument where the link leads out of the folder.
Result<void> check_link(const std::string& path, const std::string& target);

/// Into an existing, empty folder. The parts of `unpack` for each format.
Result<void> unpack_zip(const Path& archive, const Path& folder, const UnpackOptions& options,
                        UnpackBudget& budget);
Result<void> unpack_tar(const Path& archive, const Path& folder, UnpackBudget& budget);

}  // namespace rtenv::pkg
