#include "base/output_file.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/cancellation.hpp"
#include "base/decimal.hpp"
#include "base/raw_bytes.hpp"
#include "base/shown_name.hpp"
#include "base/temp_dir.hpp"

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux
constexpr int k_reader_interval_ms = 20;
constexpr std::size_t k_copy_bytes = 1U << 20U;

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

// The number of this process's own open file, which is written to from where it stands, as by the
// shell.
std::optional<int> own_open_file(const Destination& at) {
  std::error_code error;
  if (!at.is_open_file || std::filesystem::canonical(at.path.parent_path(), error) !=
                              std::filesystem::canonical("/proc/self/fd", error))
    return std::nullopt;
  const auto number = parse_decimal(at.path.filename().native());
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

Result<Fd> open_stream(const Path& path, const Cancellation* cancellation) {
  struct stat status {};
  if (cancellation == nullptr || ::stat(path.c_str(), &status) != 0 || !S_ISFIFO(status.st_mode))
    return open_file(path, O_WRONLY);
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

Result<OutputFile> OutputFile::create(const Path& path, const Cancellation* cancellation,
                                      Streams streams) {
  RTENV_TRY(const Destination at, follow_links(path));
  const StreamOutput::Options options{.name = path.native(), .cancellation = cancellation};
  if (const auto number = own_open_file(at)) {
    RTENV_TRY(StreamOutput stream, StreamOutput::duplicate(*number, options));
    return to_stream(std::move(stream), streams);
  }
  struct stat status {};
  const bool exists = ::stat(at.path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode))
    return fail(Errc::invalid_argument, "{} is a folder", path.native()).hint("name a file in it");
  if (at.is_open_file || (exists && (!S_ISREG(status.st_mode) || is_mounted(at.path)))) {
    RTENV_TRY(Fd stream, open_stream(at.path, cancellation));
    if (::fstat(stream.get(), &status) != 0) return fail_errno("open", path.native());
    StreamOutput target(std::move(stream), options);
    return S_ISREG(status.st_mode) ? spooled(std::move(target), true)
                                   : to_stream(std::move(target), streams);
  }
  RTENV_TRY(AtomicFile file, create_file(at.path, exists ? &status : nullptr));
  return OutputFile(path.native(), std::move(file));
}

Result<OutputFile> OutputFile::at_descriptor(int number, const Cancellation* cancellation,
                                             Streams streams) {
  RTENV_TRY(StreamOutput stream, StreamOutput::duplicate(number, {.name = shown_descriptor(number),
                                                                  .cancellation = cancellation}));
  return to_stream(std::move(stream), streams);
}

Result<OutputFile> OutputFile::create_unnamed(const Path& shown) {
  RTENV_TRY(AtomicFile file, AtomicFile::create(shown));
  return OutputFile(shown.native(), std::move(file));
}

Result<OutputFile> OutputFile::to_stream(StreamOutput stream, Streams streams) {
  if (streams == Streams::by_commit) return spooled(std::move(stream), false);
  std::string name = stream.name();
  return OutputFile(std::move(name), std::move(stream));
}

Result<OutputFile> OutputFile::spooled(StreamOutput target, bool replaces_content) {
  RTENV_TRY(Fd file, open_temp_file());
  std::string name = target.name();
  return OutputFile(std::move(name), Spooled{std::move(file), std::move(target), replaces_content});
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
  if (const auto* spooled = std::get_if<Spooled>(&output_)) return spooled->file;
  return std::get_if<StreamOutput>(&output_)->fd();
}

std::string OutputFile::fd_name() const {
  return std::holds_alternative<Spooled>(output_) ? "a temporary file for " + name_ : name_;
}

Result<void> OutputFile::write(std::span<const std::byte> data) {
  if (auto* const stream = std::get_if<StreamOutput>(&output_)) return stream->write(data);
  return write_full(fd(), data, fd_name());
}

Result<void> OutputFile::Spooled::commit(Durability durability) {
  RawBytes buffer(k_copy_bytes);
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(file, buffer, offset, "a temporary file"));
    // Not before the first of the new content could be read.
    if (offset == 0 && replaces_content && ::ftruncate(target.fd().get(), 0) != 0)
      return fail_errno("write", target.name());
    RTENV_TRY(target.write(std::span<const std::byte>(buffer).first(count)));
    offset += static_cast<off_t>(count);
    if (count < buffer.size()) break;
  }
  if (durability == Durability::power_loss && replaces_content && ::fsync(target.fd().get()) != 0)
    return fail_errno("sync", target.name());
  return {};
}

Result<void> OutputFile::commit(Durability durability) {
  if (auto* const file = std::get_if<AtomicFile>(&output_)) return file->commit(durability);
  if (auto* const spooled = std::get_if<Spooled>(&output_)) return spooled->commit(durability);
  return {};
}

Result<void> OutputFile::commit_as(const Path& target) {
  return std::get<AtomicFile>(output_).commit_as(target, Durability::process);
}

}  // namespace rtenv
