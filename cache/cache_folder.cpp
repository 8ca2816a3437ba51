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

constexpr const char* k_digests = "digests";
constexpr mode_t k_others_write = S_IWGRP | S_IWOTH;

// Besides those of the kinds.
constexpr std::array<const char*, 8> k_folders{
    "tmp", "locks", "logs", "uv", k_digests, "interpreters", "quarantine", "remote-tier"};

constexpr std::uint64_t k_reserve_bytes = 1U << 20U;
constexpr int k_reserve_files = 16;
// Below this, the disk counts as full; far above it, the reserve is created.
constexpr std::uint64_t k_full_bytes = 2 * k_reserve_bytes;
constexpr std::uint64_t k_full_inodes = 2 * k_reserve_files;
constexpr std::uint64_t k_plenty = 32;  // times

Result<void> check_owner(const Path& folder, const struct stat& status) {
  if (status.st_uid == ::geteuid()) return {};
  return fail(Errc::permission_denied,
              "the cache's folder {} belongs to the user with the id {}, this is the user with the "
              "id {}",
              folder.native(), status.st_uid, ::geteuid())
      .hint("run the command as that user, or set RTENV_CACHE_DIR to a folder of your own");
}

// A cache removes what it doesn't know in its folders: it must not share them with anything.
Result<void> check_is_cache(const Path& root) {
  struct stat status {};
  const auto has_ledger = [&] { return ::lstat((root / "ledger.db").c_str(), &status) == 0; };
  if (has_ledger()) return {};
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    // Naming a package needs no ledger; a disk of the cache's own has a lost+found.
    if (entry.path().filename() == k_digests || entry.path().filename() == "lost+found") continue;
    if (has_ledger()) return {};  // another process is creating the cache
    return fail(Errc::invalid_argument,
                "{} can't be the cache's folder: it has no ledger.db and isn't empty",
                root.native())
        .hint("set RTENV_CACHE_DIR to a new folder; if this was a cache, remove it");
  }
  return {};
}

Result<void> prepare_root(const Path& root, Readers readers) {
  RTENV_TRY(make_directories(root.parent_path()));
  if (::mkdir(root.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail_errno("create", root.native());
  struct stat status {};
  if (::stat(root.c_str(), &status) != 0) return fail_errno("inspect", root.native());
  if (!S_ISDIR(status.st_mode))
    return fail(Errc::invalid_argument, "the cache {} isn't a folder", root.native())
        .hint("set RTENV_CACHE_DIR to another path");
  RTENV_TRY(check_owner(root, status));
  RTENV_TRY(check_is_cache(root));
  constexpr mode_t k_others_read = 0055;
  if (readers != Readers::owner && (status.st_mode & k_others_read) != k_others_read &&
      ::chmod(root.c_str(), (status.st_mode | k_others_read) & 0777) != 0)
    return fail_errno("set the permissions of", root.native());
  if ((status.st_mode & k_others_write) == 0) return {};
  return fail(Errc::permission_denied, "other users may write to the cache's folder {}",
              root.native())
      .hint("chmod go-w {}, if you trust its content; otherwise remove it",
            shell_quote(root.native()));
}

Result<void> prepare_folder(const Path& folder, mode_t mode) {
  struct stat status {};
  // Nothing of the cache. Behind a link, sweeping would remove what belongs to others.
  if (::lstat(folder.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    log::warn("{} isn't a folder and was replaced by one", folder.native());
    ::unlink(folder.c_str());
  }
  if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("create", folder.native());
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

Path reserve_file(const Path& folder, int number) { return folder / std::to_string(number); }

Result<void> create_reserve(const Path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return fail_errno("create", folder.native());
  // The last file is created last, and tells that all are there.
  for (int i = 0; i < k_reserve_files; ++i) {
    const Path path = reserve_file(folder, i);
    RTENV_TRY(const Fd file, open_file(path, O_WRONLY | O_CREAT, 0600));
    if (i != 0) continue;
    if (const int error = ::posix_fallocate(file.get(), 0, k_reserve_bytes); error != 0)
      return fail(system_error(error, "reserve space in", path.native()));
  }
  return {};
}

void keep_reserve(const Path& root) {
  const Path folder = root / "reserve";
  if (::access(reserve_file(folder, k_reserve_files - 1).c_str(), F_OK) == 0 ||
      !has_free(root, k_plenty * k_full_bytes, k_plenty * k_full_inodes))
    return;
  if (const auto created = create_reserve(folder); !created)
    log::debug("no space is reserved: {}", created.error().message());
}

}  // namespace

Result<void> prepare_cache_folder(const Path& root, Readers readers, Reserve reserve) {
  RTENV_TRY(prepare_root(root, readers));
  if (reserve == Reserve::use_if_full && !has_free(root, k_full_bytes, k_full_inodes))
    use_reserve(root);
  // First, since it says that this is a cache. SQLite gives its other files the mode of this one.
  const Path ledger = root / "ledger.db";
  const Fd created(::open(ledger.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!created) ::chmod(ledger.c_str(), 0600);
  const mode_t mode = readers == Readers::owner ? 0700 : 0755;
  for (const char* folder : k_folders) RTENV_TRY(prepare_folder(root / folder, mode));
  for (const KindInfo& kind : k_kinds) RTENV_TRY(prepare_folder(root / kind.folder, mode));
  if (reserve == Reserve::keep) keep_reserve(root);
  return {};
}

void use_reserve(const Path& root) {
  const Path folder = root / "reserve";
  for (int i = k_reserve_files - 1; i >= 0; --i) ::unlink(reserve_file(folder, i).c_str());
  ::rmdir(folder.c_str());
}

}  // namespace rtenv::cache
