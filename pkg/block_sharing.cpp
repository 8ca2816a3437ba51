#include "pkg/block_sharing.hpp"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pkg/file_system_magic.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::array<std::uint32_t, 3> k_with_reflinks{BTRFS_SUPER_MAGIC, XFS_SUPER_MAGIC,
                                                       k_bcachefs_magic};

}  // namespace

std::optional<BlockSharing> BlockSharing::between(const Path& root, int target) {
  struct statfs file_system {};
  struct stat of_root {};
  struct stat of_target {};
  if (target < 0 || ::fstatfs(target, &file_system) != 0 || ::fstat(target, &of_target) != 0 ||
      ::stat(root.c_str(), &of_root) != 0)
    return std::nullopt;
  const auto type = static_cast<std::uint32_t>(file_system.f_type);
  if (std::ranges::find(k_with_reflinks, type) == k_with_reflinks.end() ||
      !S_ISREG(of_target.st_mode) || of_root.st_dev != of_target.st_dev)
    return std::nullopt;
  return BlockSharing(target);
}

Result<bool> BlockSharing::append(int file, std::uint64_t size_bytes) {
  off_t offset = 0;
  while (static_cast<std::uint64_t>(offset) < size_bytes) {
    const ssize_t count = ::copy_file_range(file, &offset, target_, nullptr,
                                            size_bytes - static_cast<std::uint64_t>(offset), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && offset == 0 &&
        (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS))
      return false;
    if (count < 0) return fail_errno("write", "the package");
    if (count == 0) break;  // it became shorter: its stamp has changed
  }
  return true;
}

}  // namespace rtenv::pkg
