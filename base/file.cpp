#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/directory_stream.hpp"
#include "base/unique_name.hpp"

namespace rtenv {
namespace {

Result<void> make_read_only_at(int parent, const char* entry_name, const Path& shown) {
  struct stat status {};
  if (::fstatat(parent, entry_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("read", shown.native());
  if (S_ISLNK(status.st_mode)) return {};
  if (S_ISDIR(status.st_mode)) {
    RTENV_TRY(const auto stream, list_directory_at(parent, entry_name, shown));
    while (const dirent* entry = next_entry(stream.get()))
      RTENV_TRY(make_read_only_at(::dirfd(stream.get()), entry->d_name, shown / entry->d_name));
  }
  if ((status.st_mode & 0222U) == 0) return {};
  if (::fchmodat(parent, entry_name, status.st_mode & 07555U, 0) != 0)
    return fail_errno("change the mode of", shown.native());
  return {};
}

Result<void> make_owner_writable_at(int parent, const char* entry_name, const Path& shown) {
  struct stat status {};
  if (::fstatat(parent, entry_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("read", shown.native());
  const bool is_folder = S_ISDIR(status.st_mode);
  if (!is_folder && !S_ISREG(status.st_mode)) return {};
  const mode_t wanted = status.st_mode | (is_folder ? S_IRWXU : S_IRUSR | S_IWUSR);
  if (wanted != status.st_mode && ::fchmodat(parent, entry_name, wanted & 07777U, 0) != 0)
    return fail_errno("change the mode of", shown.native());
  if (!is_folder) return {};
  RTENV_TRY(const auto stream, list_directory_at(parent, entry_name, shown));
  while (const dirent* entry = next_entry(stream.get()))
    RTENV_TRY(make_owner_writable_at(::dirfd(stream.get()), entry->d_name, shown / entry->d_name));
  return {};
}

}  // namespace

Result<std::string> read_file(const Path& path) {
  RTENV_TRY(const auto fd, open_regular_file(path, O_RDONLY));
  return read_to_end(fd, path.native());
}

Result<std::string> read_file(const Path& path, std::uint64_t max_bytes) {
  RTENV_TRY(const auto fd, open_regular_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("read", path.native());
  if (static_cast<std::uint64_t>(status.st_size) > max_bytes)
    return fail(Errc::invalid_argument, "{} is larger than {} bytes", path.native(), max_bytes);
  return read_to_end(fd, path.native());
}

Result<void> make_directories(const Path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail(system_error(error.value(), "create directory", path.native()));
  return {};
}

Result<void> make_directory(const Path& path) {
  struct stat status {};
  if (::mkdir(path.c_str(), 0777) == 0 ||
      (errno == EEXIST && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)))
    return {};
  return fail_errno("create directory", path.native());
}

Result<void> make_read_only(const Path& path) {
  RTENV_TRY(const auto stream, list_directory_at(AT_FDCWD, path.c_str(), path));
  while (const dirent* entry = next_entry(stream.get()))
    RTENV_TRY(make_read_only_at(::dirfd(stream.get()), entry->d_name, path / entry->d_name));
  return {};
}

Result<void> make_owner_writable(const Path& path) {
  return make_owner_writable_at(AT_FDCWD, path.c_str(), path);
}

Result<void> sync_directory(const Path& path) {
  RTENV_TRY(const auto fd, open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync directory", path.native());
  return {};
}

Result<void> sync_file_system(const Path& path) {
  RTENV_TRY(const auto fd, open_file(path, O_RDONLY));
  if (::syncfs(fd.get()) != 0) return fail_errno("sync the file system of", path.native());
  return {};
}

Result<void> rename_path(const Path& from, const Path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno("rename", fmt::format("{} to {}", from.native(), to.native()));
  return {};
}

Result<void> rename_to_new(const Path& from, const Path& to) {
  int renamed = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
  if (renamed != 0 && errno == EINVAL) {  // not every file system can
    struct stat status {};
    renamed = ::lstat(to.c_str(), &status) != 0 ? ::rename(from.c_str(), to.c_str()) : -1;
    if (renamed != 0) errno = EEXIST;
  }
  if (renamed != 0)
    return fail_errno("rename", fmt::format("{} to {}", from.native(), to.native()));
  return {};
}

Result<AtomicFile> AtomicFile::create(Path target, mode_t mode) {
  Path staged = target.parent_path() / fmt::format("{}{}", k_unfinished_prefix, unique_name());
  Fd fd(::open(staged.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return fail_errno("create", target.native());
  return AtomicFile(std::move(target), std::move(staged), std::move(fd));
}

AtomicFile::~AtomicFile() {
  if (!staged_.empty() && origin_.is_this_process()) ::unlink(staged_.c_str());
}

Result<void> AtomicFile::write(std::string_view text) {
  return write_full(fd_, text, target_.native());
}

Result<void> AtomicFile::commit_as(const Path& target, Durability durability) {
  const bool sync = durability == Durability::power_loss;
  if (sync && ::fsync(fd_.get()) != 0) return fail_errno("sync", target.native());
  if (::rename(staged_.c_str(), target.c_str()) != 0) return fail_errno("create", target.native());
  staged_.clear();
  if (!sync) return {};
  return sync_directory(target.parent_path().empty() ? Path(".") : target.parent_path());
}

}  // namespace rtenv
