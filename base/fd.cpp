#include "base/fd.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/open_databases.hpp"

namespace rtenv {
namespace {

template <class ReadSome>
Result<std::size_t> read_until_full(std::span<std::byte> buffer, std::string_view name,
                                    ReadSome read_some) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t count = read_some(buffer.subspan(done), done);
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("read", name);
    }
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

void Fd::reset() noexcept {
  if (number_ >= 0) OpenDatabases::close_descriptor(std::exchange(number_, -1));
}

Result<Fd> open_file(const Path& path, int flags, mode_t mode) {
  int number = -1;
  do number = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (number < 0 && errno == EINTR);
  if (number < 0) return fail_errno("open", path.native());
  return Fd(number);
}

Result<Fd> open_regular_file(const Path& path, int flags, mode_t mode) {
  // A file that is created isn't one elsewhere, to which a link in its place leads.
  const int no_link = (flags & O_CREAT) != 0 ? O_NOFOLLOW : 0;
  RTENV_TRY(Fd file, open_file(path, flags | O_NONBLOCK | O_NOCTTY | no_link, mode));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read", path.native());
  const dev_t null_device = makedev(1, 3);
  if (S_ISREG(status.st_mode) || (S_ISCHR(status.st_mode) && status.st_rdev == null_device))
    return file;
  return fail(Errc::invalid_argument, "{} is {}, not a file", path.native(),
              S_ISDIR(status.st_mode) ? "a folder" : "a pipe or device");
}

Result<Fd> open_beneath(const Fd& root, const std::string& path) {
  open_how how{.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
               .mode = 0,
               .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  const auto number = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
  if (number < 0) return fail_errno("open", path);
  return Fd(static_cast<int>(number));
}

Result<std::size_t> read_full(const Fd& fd, std::span<std::byte> buffer, std::string_view name) {
  return read_until_full(buffer, name, [&](std::span<std::byte> rest, std::size_t) {
    return ::read(fd.get(), rest.data(), rest.size());
  });
}

Result<std::size_t> read_full_at(const Fd& fd, std::span<std::byte> buffer, off_t offset,
                                 std::string_view name) {
  return read_until_full(buffer, name, [&](std::span<std::byte> rest, std::size_t done) {
    return ::pread(fd.get(), rest.data(), rest.size(), offset + static_cast<off_t>(done));
  });
}

Result<std::string> read_to_end(const Fd& fd, std::string_view name) {
  std::string text;
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
    text.reserve(static_cast<std::size_t>(status.st_size));
  std::array<std::byte, 16384> buffer;
  for (;;) {
    RTENV_TRY(const std::size_t count, read_full(fd, buffer, name));
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
    if (count < buffer.size()) return text;
  }
}

Result<void> write_full(const Fd& fd, std::span<const std::byte> data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd.get(), data.data(), data.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("write", name);
    }
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> write_full(const Fd& fd, std::string_view text, std::string_view name) {
  return write_full(fd, std::as_bytes(std::span(text)), name);
}

}  // namespace rtenv
