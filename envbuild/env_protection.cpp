#include "envbuild/env_protection.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

#include "base/directory_stream.hpp"

namespace rtenv::envbuild {
namespace {

constexpr const char* k_compiled = "__pycache__";

Result<void> remove_write_permission(int parent, const char* name, const Path& shown, mode_t mode) {
  if ((mode & 0222U) == 0 || ::fchmodat(parent, name, mode & 07555U, 0) == 0) return {};
  // A hard link into another user's uv cache: only its owner can change the mode.
  if (errno == EPERM) return {};
  return fail_errno("change mode of", shown.native());
}

Result<void> protect_folder(int folder, const Path& shown) {
  RTENV_TRY(const auto stream, list_directory_at(folder, ".", shown));
  bool has_sources = false;
  while (const dirent* entry = next_entry(stream.get())) {
    const std::string_view name(entry->d_name);
    if (name == k_compiled || entry->d_type == DT_LNK) continue;
    has_sources = has_sources || name.ends_with(".py");
    struct stat status {};
    if (::fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
      return fail_errno("inspect", (shown / name).native());
    if (S_ISLNK(status.st_mode)) continue;
    if (S_ISDIR(status.st_mode)) {
      const Fd below(
          ::openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!below) return fail_errno("open", (shown / name).native());
      RTENV_TRY(protect_folder(below.get(), shown / name));
    }
    RTENV_TRY(remove_write_permission(folder, entry->d_name, shown / name, status.st_mode));
  }
  if (has_sources && ::mkdirat(folder, k_compiled, 0777) != 0 && errno != EEXIST)
    return fail_errno("create folder", (shown / k_compiled).native());
  return {};
}

}  // namespace

Result<void> protect_env(const Path& env) {
  RTENV_TRY(const Fd folder, open_file(env, O_RDONLY | O_DIRECTORY));
  return protect_folder(folder.get(), env);
}

}  // namespace rtenv::envbuild
