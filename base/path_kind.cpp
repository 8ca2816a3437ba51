#include "base/path_kind.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace rtenv {

Result<PathKind> path_kind(const Path& path, std::string_view shown) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return fail(Errc::not_found, "{} doesn't exist", shown);
    return fail(system_error(errno, "read", shown));
  }
  if (S_ISREG(status.st_mode)) return PathKind::file;
  return S_ISDIR(status.st_mode) ? PathKind::folder : PathKind::other;
}

Result<PathKind> path_kind(const Path& path) { return path_kind(path, path.native()); }

}  // namespace rtenv
