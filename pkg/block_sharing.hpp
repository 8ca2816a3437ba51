// Puts whole files into another file without copying their data: both then share the blocks on
// disk, where the file system can (btrfs, XFS, bcachefs). Their place in the other file must begin
// at a multiple of k_alignment_bytes.
//
// A file is shared after it was read, so it must still be what was read: only one that was last
// changed a while before (see pkg/file_stamp.hpp) is taken, and it must have the same stamp
// afterwards. Not thread-safe.
#pragma once

#include <optional>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

class BlockSharing {
 public:
  static constexpr std::uint64_t k_alignment_bytes = 4096;

  /// Nothing where the two lie on different file systems, or on one that can't. Requires: `target`
  /// outlives it.
  static std::optional<BlockSharing> between(const Path& root, int target);

  /// Before a file is read. False where it was changed too lately, or isn't what the scan saw.
  bool begin(const Entry& entry);
  /// Appends the whole file of the last `begin` at the target's position. False where the kernel
  /// refuses: then nothing was written. Fails: as write(2).
  Result<bool> append();
  /// After the file of the last `begin` was shared, or read once more. Fails: unavailable (it
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
