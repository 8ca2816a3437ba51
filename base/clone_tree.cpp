#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include "base/directory_stream.hpp"
#include "base/file.hpp"

namespace rtenv {
namespace {

Result<void> copy_content(const Fd& from, const Fd& to, off_t size, const Path& shown) {
  if (::ioctl(to.get(), FICLONE, from.get()) == 0) return {};
  while (size > 0) {
    const ssize_t count = ::copy_file_range(from.get(), nullptr, to.get(), nullptr,
                                            static_cast<std::size_t>(size), 0);
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("copy", shown.native());
    }
    if (count == 0) break;
    size -= count;
  }
  return {};
}

Result<void> clone_at(int from_parent, const char* from_name, int to_parent, const char* to_name,
                      const Path& shown) {
  struct stat status {};
  if (::fstatat(from_parent, from_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("read", shown.native());
  if (S_ISLNK(status.st_mode)) {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(from_parent, from_name, target.data(), target.size());
    if (length < 0) return fail_errno("read link", shown.native());
    target.resize(static_cast<std::size_t>(length));
    if (::symlinkat(target.c_str(), to_parent, to_name) != 0)
      return fail_errno("copy", shown.native());
    return {};
  }
  if (S_ISDIR(status.st_mode)) {
    if (::mkdirat(to_parent, to_name, 0777) != 0) return fail_errno("copy", shown.native());
    const Fd to(::openat(to_parent, to_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!to) return fail_errno("copy", shown.native());
    RTENV_TRY(const auto stream, list_directory_at(from_parent, from_name, shown));
    while (const dirent* entry = next_entry(stream.get()))
      RTENV_TRY(clone_at(::dirfd(stream.get()), entry->d_name, to.get(), entry->d_name,
                         shown / entry->d_name));
    return {};
  }
  const Fd from(::openat(from_parent, from_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!from) return fail_errno("open", shown.native());
  const Fd to(::openat(to_parent, to_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                       status.st_mode | S_IWUSR));
  if (!to) return fail_errno("copy", shown.native());
  return copy_content(from, to, status.st_size, shown);
}

}  // namespace

Result<void> clone_tree(const Path& from, const Path& to) {
  return clone_at(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), from);
}

}  // namespace rtenv
