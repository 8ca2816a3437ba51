#include "base/output_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "base/cancellation.hpp"

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux
constexpr int k_reader_interval_ms = 20;

Failure cancelled(std::string_view name) {
  return fail(Errc::cancelled, "interrupted while waiting for the reader of {}", name);
}

// The path behind links, of which the last one may lead nowhere.
struct Destination {
  Path path;
  bool is_open_file = false;  // the path is a link of procfs to an open file
};

bool is_in_procfs(const Path& path) {
  struct statfs file_system {};
  const Path folder = path.parent_path().empty() ? Path(".") : path.parent_path();
  return ::statfs(folder.c_str(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
}

Result<Destination> follow_links(const Path& path) {
  Destination at{.path = path};
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(at.path, error); ++links) {
    if (links == k_max_links) return fail(system_error(ELOOP, "write", path.native()));
    if (is_in_procfs(at.path)) {
      at.is_open_file = true;
      return at;
    }
    at.path = at.path.parent_path() / std::filesystem::read_symlink(at.path, error);
  }
  return at;
}

// A file that is mounted over another, as containers do, can't be replaced.
bool is_mounted(const Path& path) {
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
}

// This process's own open file is written to from where it stands, as by the shell.
Result<Fd> open_open_file(const Path& link) {
  std::error_code error;
  const Path own = std::filesystem::canonical("/proc/self/fd", error);
  if (std::filesystem::canonical(link.parent_path(), error) == own) {
    int number = -1;
    const std::string digits = link.filename();
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    Fd copy(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!copy) return fail_errno("write", link.native());
    return copy;
  }
  return open_file(link, O_WRONLY | O_TRUNC);
}

Result<Fd> open_stream(const Path& path, const Cancellation* cancellation) {
  struct stat status {};
  if (cancellation == nullptr || ::stat(path.c_str(), &status) != 0 || !S_ISFIFO(status.st_mode))
    return open_file(path, O_WRONLY | O_TRUNC);
  for (;;) {
    Fd stream(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!stream && errno != ENXIO) return fail_errno("open", path.native());
    if (stream) {
      if (::fcntl(stream.get(), F_SETFL, O_WRONLY) != 0) return fail_errno("open", path.native());
      return stream;
    }
    pollfd event{.fd = cancellation->poll_fd(), .events = POLLIN, .revents = 0};
    ::poll(&event, 1, k_reader_interval_ms);  // no reader has opened it
    if (cancellation->requested()) return cancelled(path.native());
  }
}

Result<AtomicFile> create_file(const Path& target, const struct stat* replaced) {
  auto file = AtomicFile::create(target);
  if (!file) {
    if (replaced == nullptr || file.error().code() != Errc::permission_denied)
      return Failure(std::move(file).error());
    return Failure(std::move(file).error().with_hint(
        "its folder must be writable: the file is replaced when the new one is complete"));
  }
  if (replaced == nullptr) return file;
  // Only root can give a file away; the group can be kept by its members.
  const int fd = file->fd().get();
  if (::fchown(fd, replaced->st_uid, replaced->st_gid) != 0) [[maybe_unused]]
    const int kept = ::fchown(fd, static_cast<uid_t>(-1), replaced->st_gid);
  if (::fchmod(fd, replaced->st_mode & 0777U) != 0)
    return fail_errno("change the mode of", target.native());
  return file;
}

}  // namespace

Result<OutputFile> OutputFile::create(const Path& path, const Cancellation* cancellation) {
  RTENV_TRY(const Destination at, follow_links(path));
  const auto stream_output = [&](Fd stream) {
    return OutputFile(
        path.native(),
        StreamOutput(std::move(stream), {.name = path.native(), .cancellation = cancellation}));
  };
  if (at.is_open_file) {
    RTENV_TRY(Fd stream, open_open_file(at.path));
    return stream_output(std::move(stream));
  }
  struct stat status {};
  const bool exists = ::stat(at.path.c_str(), &status) == 0;
  if (exists && (!S_ISREG(status.st_mode) || is_mounted(at.path))) {
    RTENV_TRY(Fd stream, open_stream(at.path, cancellation));
    return stream_output(std::move(stream));
  }
  RTENV_TRY(AtomicFile file, create_file(at.path, exists ? &status : nullptr));
  return OutputFile(path.native(), std::move(file));
}

Result<OutputFile> OutputFile::standard(const Cancellation* cancellation) {
  RTENV_TRY(StreamOutput stream,
            StreamOutput::duplicate(STDOUT_FILENO,
                                    {.name = "standard output", .cancellation = cancellation}));
  return OutputFile("standard output", std::move(stream));
}

bool OutputFile::is_standard(const Path& path) {
  struct stat named {};
  struct stat standard {};
  if (::stat(path.c_str(), &named) != 0 || ::fstat(STDOUT_FILENO, &standard) != 0) return false;
  const auto at = follow_links(path);
  return (!S_ISREG(named.st_mode) || (at && at->is_open_file)) && named.st_dev == standard.st_dev &&
         named.st_ino == standard.st_ino;
}

const Fd& OutputFile::fd() const noexcept {
  if (const auto* file = std::get_if<AtomicFile>(&output_)) return file->fd();
  return std::get_if<StreamOutput>(&output_)->fd();
}

Result<void> OutputFile::write(std::span<const std::byte> data) {
  if (auto* const stream = std::get_if<StreamOutput>(&output_)) return stream->write(data);
  return write_full(fd(), data, name_);
}

Result<void> OutputFile::commit(Durability durability) {
  auto* const file = std::get_if<AtomicFile>(&output_);
  return file != nullptr ? file->commit(durability) : Result<void>();
}

Result<void> OutputFile::commit_as(const Path& target) {
  return std::get<AtomicFile>(output_).commit_as(target, Durability::process);
}

}  // namespace rtenv
