#include "job/folder_attributes.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <optional>
#include <string>

namespace rtenv::job {
namespace {

// 0 if the file system has no flags.
unsigned user_flags(const Fd& folder) {
  unsigned flags = 0;
  if (::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) != 0) return 0;
  return flags & FS_FL_USER_MODIFIABLE;
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
  if (user_flags(folder) != user_flags(reference)) return false;
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
