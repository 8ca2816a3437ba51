// Appends whole files to a target file without copying their data: both share the blocks on disk.
// Works on file systems with reflinks: btrfs, XFS, bcachefs. In the target, a shared file must
// begin at a multiple of k_alignment_bytes.
//
// A file is read before it is shared, so it must not change in between: only a file whose last
// change is old enough for a stamp (see pkg/file_stamp.hpp) is accepted, and its stamp must be the
// same afterwards. Not thread-safe.
#pragma once

#include <optional>

#include "base/fd.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

class BlockSharing {
 public:
  static constexpr std::uint16_t k_alignment_bytes = 4096;

  /// Nullopt if the two are on different file systems, or on one without reflinks. `target` is a
  /// descriptor that outlives the object.
  static std::optional<BlockSharing> between(const Path& root, int target);

  /// Call before the file is read. False if it changed too recently, or isn't what the scan saw.
  bool begin(const Entry& entry);
  /// Appends the whole file of the last `begin` at the target's position. False if the kernel
  /// refused before anything was written. Fails: as copy_file_range(2).
  Result<bool> append();
  /// Call after the file of the last `begin` was shared, or read again. Fails: unavailable (it
  /// changed meanwhile).
  [[nodiscard]] Result<void> check_unchanged() const;

 private:
  BlockSharing(Path root, int target, const FileStamper& stamper)
      : root_(std::move(root)), target_(target), stamper_(stamper) {}
  [[nodiscard]] FileStamp stamp() const;

  Path root_;
  int target_;
  FileStamper stamper_;
  Fd source_;
  std::string path_;
  std::uint64_t size_bytes_ = 0;
  FileStamp before_;
};

}  // namespace rtenv::pkg
