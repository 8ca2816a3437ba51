#include "cache/cache_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/file.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cache/kind.hpp"

namespace rtenv::cache {
namespace {

constexpr mode_t k_others_write = S_IWGRP | S_IWOTH;

// Besides those of the kinds.
constexpr std::array<const char*, 8> k_folders{
    "tmp", "locks", "logs", "uv", "digests", "interpreters", "quarantine", "remote-tier"};

constexpr std::uint64_t k_reserve_bytes = 1U << 20U;
constexpr int k_reserve_files = 16;
// Below this, the disk counts as full; far above it, the reserve is created.
constexpr std::uint64_t k_full_bytes = 2 * k_reserve_bytes;
constexpr std::uint64_t k_full_inodes = 2 * k_reserve_files;
constexpr std::uint64_t k_plenty = 32;  // times

Path reserve_of(const Path& root) { return root / "reserve"; }

Result<void> check_owner(const Path& folder, const struct stat& status) {
  if (status.st_uid == ::geteuid()) return {};
  return fail(Errc::permission_denied,
              "the cache's folder {} belongs to the user with the id {}, this is the user with the "
              "id {}",
              folder.native(), status.st_uid, ::geteuid())
      .hint("run the command as that user, or set RTENV_CACHE_DIR to a folder of your own");
}

Result<void> prepare_root(const Path& root) {
  RTENV_TRY(make_directories(root.parent_path()));
  if (::mkdir(root.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail_errno("create", root.native());
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) return fail_errno("inspect", root.native());
  if (!S_ISDIR(status.st_mode))
    return fail(Errc::invalid_argument, "the cache {} isn't a folder", root.native())
        .hint("set RTENV_CACHE_DIR to another path");
  RTENV_TRY(check_owner(root, status));
  if ((status.st_mode & k_others_write) == 0 || (status.st_mode & S_ISVTX) != 0) return {};
  return fail(Errc::permission_denied, "other users may write to the cache's folder {}",
              root.native())
      .hint("chmod go-w {}, if you trust its content; otherwise remove it",
            shell_quote(root.native()));
}

Result<void> prepare_folder(const Path& folder, mode_t mode) {
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("create", folder.native());
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) return fail_errno("inspect", folder.native());
  RTENV_TRY(check_owner(folder, status));
  constexpr mode_t k_permissions = 0777;
  if ((status.st_mode & k_permissions) != mode && ::chmod(folder.c_str(), mode) != 0)
    return fail_errno("set the permissions of", folder.native());
  return {};
}

bool has_free(const Path& root, std::uint64_t bytes, std::uint64_t inodes) {
  struct statvfs status {};
  if (::statvfs(root.c_str(), &status) != 0) return false;
  // Some file systems have no fixed number of inodes and report 0.
  return status.f_bavail * status.f_frsize >= bytes &&
         (status.f_files == 0 || status.f_favail >= inodes);
}

Result<void> create_reserve(const Path& folder) {
  RTENV_TRY(make_directories(folder));
  for (int i = 0; i < k_reserve_files; ++i) {
    const Path path = folder / std::to_string(i);
    RTENV_TRY(const Fd file, open_file(path, O_WRONLY | O_CREAT, 0600));
    const auto bytes = static_cast<off_t>(i == 0 ? k_reserve_bytes : 0);
    if (bytes == 0) continue;
    if (const int error = ::posix_fallocate(file.get(), 0, bytes); error != 0)
      return fail(system_error(error, "reserve space in", path.native()));
  }
  return {};
}

}  // namespace

Result<void> prepare_cache_folder(const Path& root, Readers readers) {
  RTENV_TRY(prepare_root(root));
  const mode_t mode = readers == Readers::owner ? 0700 : 0755;
  for (const char* folder : k_folders) RTENV_TRY(prepare_folder(root / folder, mode));
  for (const KindInfo& kind : k_kinds) RTENV_TRY(prepare_folder(root / kind.folder, mode));
  return {};
}

void keep_reserve(const Path& root) {
  const Path folder = reserve_of(root);
  if (::access(folder.c_str(), F_OK) == 0 ||
      !has_free(root, k_plenty * k_full_bytes, k_plenty * k_full_inodes))
    return;
  if (const auto created = create_reserve(folder); !created)
    log::debug("no space is reserved: {}", created.error().message());
}

void use_reserve_if_full(const Path& root) {
  if (has_free(root, k_full_bytes, k_full_inodes)) return;
  if (const auto removed = remove_tree(reserve_of(root)); !removed)
    log::debug("{}", removed.error().message());
}

}  // namespace rtenv::cache
