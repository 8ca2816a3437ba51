#include "job/folder_attributes.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

namespace rtenv::job {
namespace {

// Flags (chattr), as far as file systems don't set them themselves: ext4 uses an index for large
// folders, and extents. 0 if the file system has none.
unsigned flags(const Fd& folder) {
  constexpr unsigned k_own_flags = FS_INDEX_FL | FS_EXTENT_FL | FS_INLINE_DATA_FL;
  unsigned flags = 0;
  if (::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) != 0) return 0;
  return flags & ~k_own_flags;
}

// The project, for quotas, and the sizes of allocations. Zeros if the file system has none.
std::array<std::uint32_t, 3> project_and_sizes(const Fd& folder) {
  struct fsxattr attributes {};
  if (::ioctl(folder.get(), FS_IOC_FSGETXATTR, &attributes) != 0) return {};
  return {attributes.fsx_projid, attributes.fsx_extsize, attributes.fsx_cowextsize};
}

std::optional<std::string> attribute(const Fd& folder, const char* name) {
  std::string value(1024, '\0');
  const ssize_t size = ::fgetxattr(folder.get(), name, value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

// A security module labels each new folder as the one that contains it.
bool is_label(const std::string& name) { return name == "security.selinux"; }

}  // namespace

Result<bool> has_default_attributes(const Fd& folder, const Fd& reference, const Path& shown) {
  struct stat status {};
  struct stat expected {};
  if (::fstat(folder.get(), &status) != 0 || ::fstat(reference.get(), &expected) != 0)
    return fail_errno("read", shown.native());
  if (status.st_uid != expected.st_uid || status.st_gid != expected.st_gid) return false;
  if (flags(folder) != flags(reference)) return false;
  if (project_and_sizes(folder) != project_and_sizes(reference)) return false;
  std::string names(1 << 16, '\0');
  const ssize_t size = ::flistxattr(folder.get(), names.data(), names.size());
  if (size < 0 && errno == ENOTSUP) return true;
  if (size < 0) return fail_errno("list the attributes of", shown.native());
  for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
    const std::string name(names.c_str() + at);
    at += name.size() + 1;
    if (!is_label(name) || attribute(folder, name.c_str()) != attribute(reference, name.c_str()))
      return false;
  }
  return true;
}

}  // namespace rtenv::job
