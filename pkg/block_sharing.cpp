#include "pkg/block_sharing.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "pkg/content_source.hpp"
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
  const auto stamper = FileStamper::begin(root);
  if (!stamper) return std::nullopt;
  return BlockSharing(root, target, *stamper);
}

FileStamp BlockSharing::stamp() const {
  struct stat status {};
  if (::fstat(source_.get(), &status) != 0 ||
      static_cast<std::uint64_t>(status.st_size) != size_bytes_)
    return {};
  return stamper_.stamp(status, path_);
}

bool BlockSharing::begin(const Entry& entry) {
  path_ = entry.path;
  size_bytes_ = entry.size_bytes;
  auto source = open_file(root_ / entry.path, O_RDONLY | O_NONBLOCK);
  if (!source) return false;
  source_ = *std::move(source);
  before_ = stamp();
  return static_cast<bool>(before_);
}

Result<bool> BlockSharing::append() {
  off_t offset = 0;
  while (static_cast<std::uint64_t>(offset) < size_bytes_) {
    const ssize_t count = ::copy_file_range(source_.get(), &offset, target_, nullptr,
                                            size_bytes_ - static_cast<std::uint64_t>(offset), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && offset == 0 &&
        (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS))
      return false;
    if (count < 0) return fail_errno("write", "the package");
    if (count == 0) break;  // it became shorter: its stamp has changed
  }
  return true;
}

Result<void> BlockSharing::check_unchanged() const {
  if (stamp() == before_) return {};
  return changed_while((root_ / path_).native(), "read");
}

}  // namespace rtenv::pkg
