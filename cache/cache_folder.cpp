#include "cache/cache_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cache/cache.hpp"
#include "cache/kind.hpp"
#include "cache/sweeper.hpp"
#include "cache/uv_folder.hpp"

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
constexpr std::uint64_t k_log_bytes = 1U << 20U;
constexpr std::uint64_t k_reserve_bytes = k_log_bytes + k_reserve_files * k_reserve_file_bytes;
constexpr std::uint64_t k_plenty = 5;  // times: the reserve is created

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
  RTENV_TRY(const auto entries, folder_entries(root));
  for (const FolderEntry& entry : entries) {
    // Naming a package needs no ledger; a disk of the cache's own has a lost+found.
    if (const std::string name = entry.name(); name == k_digests || name == "lost+found") continue;
    if (has_ledger()) return {};  // another process is creating the cache
    return fail(Errc::invalid_argument,
                "{} can't be the cache's folder: it has no ledger.db and isn't empty",
                root.native())
        .hint("use a new or empty folder, for example by RTENV_CACHE_DIR");
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
        .hint("use another path, for example by RTENV_CACHE_DIR");
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
  const auto blocks = ::geteuid() == 0 ? status.f_bfree : status.f_bavail;
  const auto free_inodes = ::geteuid() == 0 ? status.f_ffree : status.f_favail;
  // Some file systems have no fixed number of inodes and report 0.
  return blocks * status.f_frsize >= bytes && (status.f_files == 0 || free_inodes >= inodes);
}

Path ledger_file(const Path& root) { return root / "ledger.db"; }

Path reserve_file(const Path& root, int number) {
  return root / "reserve" / std::to_string(number);
}
// Zeros, which SQLite takes for an empty log.
Path reserved_log(const Path& root) { return root / "reserve" / "ledger.db-wal"; }

Result<void> reserve_space(const Path& path, std::uint64_t bytes) {
  if (::access(path.c_str(), F_OK) == 0) return {};
  RTENV_TRY(const Fd file, open_regular_file(path, O_WRONLY | O_CREAT, 0600));
  if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(bytes)); error != 0) {
    ::unlink(path.c_str());
    return fail(system_error(error, "reserve space in", path.native()));
  }
  return {};
}

Result<void> restore_all(const Path& root) {
  for (int i = 0; i < k_reserve_files; ++i)
    RTENV_TRY(reserve_space(reserve_file(root, i), k_reserve_file_bytes));
  return reserve_space(reserved_log(root), k_log_bytes);
}

// Of the ledger and of the locks that commands need which make room. What isn't a file there is
// nobody's.
Result<void> prepare_files(const Path& root) {
  const Path ledger = ledger_file(root);
  for (const Path& path :
       {Path(ledger.native() + "-wal"), Path(ledger.native() + "-shm"),
        root / "locks" / k_collector_lock, root / "locks" / Cache::k_sweeper_lock,
        root / "locks" / k_uv_folder_lock}) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) continue;
    log::warn("{} isn't a file and was removed", path.native());
    RTENV_TRY(remove_tree(path));
  }
  return {};
}

}  // namespace

Readers remembered_readers(const Path& root) {
  return ::access(readers_mark(root).c_str(), F_OK) == 0 ? Readers::everybody : Readers::owner;
}

Result<void> prepare_cache_folder(const Path& root, Readers readers) {
  RTENV_TRY(prepare_root(root, readers));
  // First, since it says that this is a cache. SQLite gives its other files the mode of this one.
  const Path ledger = ledger_file(root);
  if (!Fd(::open(ledger.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600))) {
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
  return prepare_files(root);
}

DiskSpace disk_space(const Path& root) {
  constexpr std::uint64_t k_least_bytes = 256U << 10U;
  constexpr std::uint64_t k_least_inodes = 8;
  if (has_free(root, 2 * k_reserve_bytes, 2 * k_reserve_files)) return DiskSpace::enough;
  return has_free(root, k_least_bytes, k_least_inodes) ? DiskSpace::little : DiskSpace::none;
}

void keep_reserve(const Path& root) {
  if (::access(reserved_log(root).c_str(), F_OK) == 0 ||
      !has_free(root, k_plenty * k_reserve_bytes, k_plenty * k_reserve_files))
    return;
  restore_reserve(root);
}

void put_reserved_log(const Path& root) {
  const Path log = ledger_file(root).native() + "-wal";
  ::renameat2(AT_FDCWD, reserved_log(root).c_str(), AT_FDCWD, log.c_str(), RENAME_NOREPLACE);
}

void use_reserve(const Path& root) {
  for (int i = 0; i < k_reserve_files; ++i) ::unlink(reserve_file(root, i).c_str());
}

void restore_reserve(const Path& root) {
  if (const auto restored = restore_all(root); !restored)
    log::debug("less space is reserved: {}", restored.error().message());
}

}  // namespace rtenv::cache
