// Appends whole files to a target file without copying their data: both share the blocks on disk.
// Works on file systems with reflinks: btrfs, XFS, bcachefs. In the target, a shared file must
// begin at a multiple of k_alignment_bytes.
//
// A file is read before it is shared, so it must not change in between: see
// OpenContent::check_unchanged. Not thread-safe.
#pragma once

#include <optional>

#include "base/fd.hpp"

namespace rtenv::pkg {

class BlockSharing {
 public:
  static constexpr std::uint16_t k_alignment_bytes = 4096;

  /// Nullopt if the two are on different file systems, or on one without reflinks. `target` is a
  /// descriptor that outlives the object.
  static std::optional<BlockSharing> between(const Path& root, int target);

  /// Appends a whole file at the target's position. False if the kernel refused before anything was
  /// written. Fails: as copy_file_range(2).
  Result<bool> append(int file, std::uint64_t size_bytes);

 private:
  explicit BlockSharing(int target) : target_(target) {}
  int target_;
};

}  // namespace rtenv::pkg
