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
constexpr std::array<const char*, 9> k_folders{"tmp",        "locks",       "logs",
                                               "uv",         k_digests,     "interpreters",
                                               "quarantine", "remote-tier", "reserve"};

constexpr std::uint64_t k_reserve_file_bytes = 64U << 10U;
constexpr int k_reserve_files = 16;
constexpr std::uint64_t k_reserve_bytes = k_reserve_files * k_reserve_file_bytes;
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

Path readers_mark(const Path& root) { return root / "readable"; }

Result<void> remember_readers(const Path& root, Readers readers) {
  if (readers == remembered_readers(root)) return {};
  if (readers == Readers::everybody) {
    RTENV_TRY(open_regular_file(readers_mark(root), O_WRONLY | O_CREAT, 0600));
  } else if (::unlink(readers_mark(root).c_str()) != 0) {
    return fail_errno("remove", readers_mark(root).native());
  }
  return {};
}

bool has_free(const Path& root, std::uint64_t bytes, std::uint64_t inodes) {
  struct statvfs status {};
  if (::statvfs(root.c_str(), &status) != 0) return false;
  // Some file systems have no fixed number of inodes and report 0.
  return status.f_bavail * status.f_frsize >= bytes &&
         (status.f_files == 0 || status.f_favail >= inodes);
}

Path reserve_file(const Path& root, int number) {
  return root / "reserve" / std::to_string(number);
}

Result<void> create_reserve_file(const Path& path) {
  RTENV_TRY(const Fd file, open_regular_file(path, O_WRONLY | O_CREAT, 0600));
  if (const int error = ::posix_fallocate(file.get(), 0, k_reserve_file_bytes); error != 0) {
    ::unlink(path.c_str());
    return fail(system_error(error, "reserve space in", path.native()));
  }
  return {};
}

}  // namespace

Readers remembered_readers(const Path& root) {
  return ::access(readers_mark(root).c_str(), F_OK) == 0 ? Readers::everybody : Readers::owner;
}

Result<void> prepare_cache_folder(const Path& root, Readers readers, Reserve reserve) {
  RTENV_TRY(prepare_root(root, readers));
  if (reserve == Reserve::use_if_full && is_nearly_full(root)) use_reserve(root);
  // First, since it says that this is a cache. SQLite gives its other files the mode of this one.
  const Path ledger = root / "ledger.db";
  const Fd created(::open(ledger.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!created) {
    struct stat status {};
    if (::lstat(ledger.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
      return fail(Errc::corrupt, "{} isn't a file", ledger.native())
          .hint("remove the folder {}: its content is fetched and built again", root.native());
    ::chmod(ledger.c_str(), 0600);
  }
  RTENV_TRY(remember_readers(root, readers));
  const mode_t mode = readers == Readers::owner ? 0700 : 0755;
  for (const char* folder : k_folders) RTENV_TRY(prepare_folder(root / folder, mode));
  for (const KindInfo& kind : k_kinds) RTENV_TRY(prepare_folder(root / kind.folder, mode));
  const bool complete = ::access(reserve_file(root, k_reserve_files - 1).c_str(), F_OK) == 0;
  if (reserve == Reserve::keep && !complete &&
      has_free(root, k_plenty * k_full_bytes, k_plenty * k_full_inodes))
    restore_reserve(root);
  return {};
}

bool is_nearly_full(const Path& root) { return !has_free(root, k_full_bytes, k_full_inodes); }

void use_reserve(const Path& root) {
  for (int i = 0; i < k_reserve_files; ++i) ::unlink(reserve_file(root, i).c_str());
}

void restore_reserve(const Path& root) {
  for (int i = 0; i < k_reserve_files; ++i) {
    const Path path = reserve_file(root, i);
    if (::access(path.c_str(), F_OK) == 0) continue;
    if (const auto created = create_reserve_file(path); !created) {
      log::debug("less space is reserved: {}", created.error().message());
      return;
    }
  }
}

}  // namespace rtenv::cache
