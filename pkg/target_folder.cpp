#include "pkg/target_folder.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/file.hpp"

namespace rtenv::pkg {
namespace {

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool has_drive(std::string_view name) {
  return name.size() >= 2 && name[1] == ':' &&
         ((name[0] | 0x20) >= 'a' && (name[0] | 0x20) <= 'z') &&
         (name.size() == 2 || name[2] == '/' || name[2] == '\\');
}

}  // namespace

Result<std::string> checked_entry_path(std::string_view name, bool from_unix) {
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid_argument, "entry '{}' is refused: {}", name, why);
  };
  if (name.find('\0') != std::string_view::npos) return refuse("its name has a NUL byte");
  if (name.starts_with('/') || name.starts_with('\\')) return refuse("its path is absolute");
  if (has_drive(name)) return refuse("its path names a drive");
  if (!from_unix && name.find('\\') != std::string_view::npos)
    return refuse("its path has a backslash");
  std::string path;
  path.reserve(name.size());
  for (std::string_view rest = name; !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    // A reader that takes a backslash for a slash must not find a way out either.
    if (part == ".." || part.starts_with("..\\") || part.ends_with("\\..") ||
        part.find("\\..\\") != std::string_view::npos)
      return refuse("its path leads out of the folder");
    if (!part.empty() && part != ".") {
      if (!path.empty()) path += '/';
      path += part;
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return path;
}

// What new files lose of their permissions. umask(2) can only be asked by setting it, for the whole
// process.
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

Result<TargetFolder> TargetFolder::open(const Path& path) {
  RTENV_TRY(Fd root, open_file(path, O_RDONLY | O_DIRECTORY));
  return TargetFolder(std::move(root), process_umask());
}

Failure TargetFolder::refuse(std::string_view path, int error_number) {
  if (error_number == EEXIST)
    return fail(Errc::invalid_argument, "entry '{}' is refused: it is there twice", path);
  if (error_number == ELOOP || error_number == ENOTDIR)
    return fail(Errc::invalid_argument, "entry '{}' is refused: a part of its path isn't a folder",
                path);
  return fail(system_error(error_number, "unpack", path));
}

// In one step, where the kernel can resolve a path without a link and without leaving the folder
// (Linux 5.6).
Fd TargetFolder::open_made(const std::string& folder) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return Fd(
      static_cast<int>(::syscall(SYS_openat2, root_.get(), folder.c_str(), &how, sizeof how)));
}

Result<Fd> TargetFolder::descend(std::string_view folder) {
  if (Fd made = open_made(std::string(folder))) return made;
  // It isn't there yet, or the way to it is wrong, or the kernel is too old: step by step.
  Fd current;
  for (std::string_view rest = folder; !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string part(rest.substr(0, slash));
    const int parent = current ? current.get() : root_.get();
    constexpr int k_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Fd next(::openat(parent, part.c_str(), k_flags));
    if (!next && errno == ENOENT) {
      if (::mkdirat(parent, part.c_str(), 0777) != 0 && errno != EEXIST)
        return refuse(folder, errno);
      next = Fd(::openat(parent, part.c_str(), k_flags));
    }
    if (!next) return refuse(folder, errno);
    current = std::move(next);
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return current;
}

Result<int> TargetFolder::parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return root_.get();
  const std::string_view parent = std::string_view(path).substr(0, slash);
  if (!parent_ || parent != parent_path_) {
    RTENV_TRY(parent_, descend(parent));
    parent_path_ = parent;
  }
  return parent_.get();
}

Result<void> TargetFolder::make_directory(const std::string& path) {
  RTENV_TRY(const int parent, parent_of(path));
  const std::string name(last_part(path));
  if (::mkdirat(parent, name.c_str(), 0777) == 0) return {};
  const int error = errno;
  struct stat status {};  // made before, as the parent of another entry
  if (error == EEXIST && ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(status.st_mode))
    return {};
  return refuse(path, error);
}

Result<Fd> TargetFolder::create_file(const std::string& path, mode_t permissions) {
  RTENV_TRY(const int parent, parent_of(path));
  Fd fd(::openat(parent, std::string(last_part(path)).c_str(),
                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, permissions));
  if (!fd) return refuse(path, errno);
  // Not subject to the umask. Most often it takes nothing away, and this costs as much as making
  // the file.
  if ((permissions & umask_) != 0 && ::fchmod(fd.get(), permissions) != 0)
    return refuse(path, errno);
  return fd;
}

Result<void> TargetFolder::make_link(const std::string& path, const std::string& target) {
  RTENV_TRY(const int parent, parent_of(path));
  if (::symlinkat(target.c_str(), parent, std::string(last_part(path)).c_str()) != 0)
    return refuse(path, errno);
  return {};
}

Result<Fd> TargetFolder::open_made_file(const std::string& path) {
  RTENV_TRY(const int parent, parent_of(path));
  Fd fd(::openat(parent, std::string(last_part(path)).c_str(),
                 O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return refuse(path, errno);
  return fd;
}

}  // namespace rtenv::pkg
