#include "pkg/target_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/file.hpp"
#include "pkg/entry_check.hpp"
#include "pkg/entry_mode.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

// Of a folder that the archive has no entry for.
constexpr mode_t k_parent_mode = k_folder_mode;

// The last part of a path; terminated, as it is the end of the string.
const char* name_of(const std::string& path) { return split_name(path).name.data(); }

// Read from /proc, because umask(2) can only return the mask by setting it for the whole process.
mode_t process_umask() {
  constexpr std::string_view k_key = "\nUmask:\t";
  const auto status = read_file("/proc/self/status");
  const auto at = status ? status->find(k_key) : std::string::npos;
  if (at == std::string::npos) return 0777;
  mode_t mask = 0777;
  const char* digits = status->data() + at + k_key.size();
  std::from_chars(digits, status->data() + status->size(), mask, 8);
  return mask;
}

}  // namespace

Result<void> TargetFolder::create(const Path& path, Modes modes) {
  const TargetFolder creator(Fd(), modes, process_umask());
  if (creator.make_folder(AT_FDCWD, path.c_str(), k_parent_mode) != 0)
    return fail_errno("create folder", path.native());
  return {};
}

Result<TargetFolder> TargetFolder::open(const Path& path, Modes modes) {
  RTENV_TRY(Fd root, open_file(path, O_RDONLY | O_DIRECTORY));
  return TargetFolder(std::move(root), modes, process_umask());
}

// Whether the kernel removes permissions that must not be removed. Usually it doesn't, and chmod(2)
// costs as much as creating the file.
bool TargetFolder::is_masked(mode_t permissions) const {
  return modes_ == Modes::exact && (permissions & umask_) != 0;
}

// As mkdirat(2).
int TargetFolder::make_folder(int parent, const char* name, mode_t permissions) const {
  if (::mkdirat(parent, name, permissions) != 0) return -1;
  return is_masked(permissions) ? ::fchmodat(parent, name, permissions, 0) : 0;
}

Failure TargetFolder::refuse(std::string_view path, int error_number) {
  if (error_number == EEXIST) return refuse_entry(path, "the archive contains it twice");
  if (error_number == ELOOP || error_number == ENOTDIR)
    return refuse_entry(path, "a part of its path isn't a folder");
  return fail(system_error(error_number, "unpack", path));
}

// In one step, if the kernel can restrict path resolution to the folder and to no links
// (Linux 5.6).
Fd TargetFolder::open_existing(const std::string& folder) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return Fd(
      static_cast<int>(::syscall(SYS_openat2, root_.get(), folder.c_str(), &how, sizeof how)));
}

Result<Fd> TargetFolder::descend(std::string_view folder) {
  if (Fd existing = open_existing(std::string(folder))) return existing;
  // It doesn't exist yet, or the path has a link, or the kernel is too old: go step by step.
  Fd current;
  for (const std::string_view name : split_path(folder)) {
    const std::string part(name);
    const int parent = current ? current.get() : root_.get();
    constexpr int k_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd next(::openat(parent, part.c_str(), k_flags));
    if (!next && errno == ENOENT) {
      if (make_folder(parent, part.c_str(), k_parent_mode) != 0 && errno != EEXIST)
        return refuse(folder, errno);
      next = Fd(::openat(parent, part.c_str(), k_flags));
    }
    if (!next) return refuse(folder, errno);
    current = std::move(next);
  }
  return current;
}

Result<int> TargetFolder::parent_of(const std::string& path) {
  const std::string_view parent = split_name(path).folder;
  if (parent.empty()) return root_.get();
  if (!parent_ || parent != parent_path_) {
    RTENV_TRY(parent_, descend(parent));
    parent_path_ = parent;
  }
  return parent_.get();
}

Result<void> TargetFolder::make_directory(const std::string& path, mode_t permissions) {
  RTENV_TRY(const int parent, parent_of(path));
  const char* name = name_of(path);
  if (make_folder(parent, name, permissions) == 0) return {};
  const int error = errno;
  struct stat status {};  // it may exist as the parent of another entry
  if (error != EEXIST || ::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISDIR(status.st_mode))
    return refuse(path, error);
  const mode_t wanted = modes_ == Modes::exact ? permissions : permissions & ~umask_;
  if ((status.st_mode & k_permissions) != wanted && ::fchmodat(parent, name, wanted, 0) != 0)
    return refuse(path, errno);
  return {};
}

Result<Fd> TargetFolder::create_file(const std::string& path, mode_t permissions) {
  RTENV_TRY(const int parent, parent_of(path));
  Fd fd(::openat(parent, name_of(path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 permissions));
  if (!fd || (is_masked(permissions) && ::fchmod(fd.get(), permissions) != 0))
    return refuse(path, errno);
  return fd;
}

Result<void> TargetFolder::make_link(const std::string& path, const std::string& target) {
  RTENV_TRY(const int parent, parent_of(path));
  if (::symlinkat(target.c_str(), parent, name_of(path)) != 0) return refuse(path, errno);
  return {};
}

Result<Fd> TargetFolder::open_created_file(const std::string& path) {
  RTENV_TRY(const int parent, parent_of(path));
  Fd fd(::openat(parent, name_of(path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return refuse(path, errno);
  return fd;
}

}  // namespace rtenv::pkg
