#include "base/steady_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <ctime>

#include "base/changing.hpp"
#include "base/file_system.hpp"
#include "base/hash.hpp"
#include "base/raw_bytes.hpp"

namespace rtenv {
namespace {

constexpr std::size_t k_buffer_bytes = 256U << 10U;

std::string version_of(const struct stat& status) {
  return fmt::format("{}-{}-{}-{}.{}-{}.{}", status.st_dev, status.st_ino, status.st_size,
                     status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                     status.st_ctim.tv_nsec);
}

}  // namespace

Result<SteadyFile> SteadyFile::open(Path path, std::chrono::seconds settle_time) {
  RTENV_TRY(Fd file, open_regular_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read", path.native());
  if (!S_ISREG(status.st_mode))
    return fail(Errc::invalid_argument, "{} isn't a file", path.native());
  if (is_made_on_reading(file))
    return fail(Errc::invalid_argument,
                "{} can't be taken: the kernel makes it when it is read, and its size isn't known",
                path.native())
        .hint("copy its content to a file");
  const bool settled = std::time(nullptr) - status.st_ctim.tv_sec > settle_time.count();
  return SteadyFile(std::move(path), std::move(file), status, settled);
}

std::string SteadyFile::version() const { return version_of(status_); }

Failure SteadyFile::changed() const { return changed_while(path_.native(), "read"); }

Result<void> SteadyFile::read_once(const Sink& sink) const {
  RawBytes buffer(k_buffer_bytes);
  std::uint64_t done_bytes = 0;
  for (;;) {
    RTENV_TRY(const std::size_t count,
              read_full_at(file_, buffer, static_cast<off_t>(done_bytes), path_.native()));
    done_bytes += count;
    if (done_bytes > size_bytes()) return changed();
    if (count > 0) RTENV_TRY(sink(std::span<const std::byte>(buffer).first(count)));
    if (count < buffer.size()) break;
  }
  return done_bytes == size_bytes() ? Result<void>() : changed();
}

Result<void> SteadyFile::read(const Sink& sink) const {
  Xxh3 first;
  RTENV_TRY(read_once([&](std::span<const std::byte> data) {
    first.add(data);
    return sink(data);
  }));
  struct stat now {};
  if (::fstat(file_.get(), &now) != 0) return fail_errno("read", path_.native());
  if (settled_ && version_of(now) == version()) return {};
  Xxh3 second;
  RTENV_TRY(read_once([&](std::span<const std::byte> data) -> Result<void> {
    second.add(data);
    return {};
  }));
  return first.finish() == second.finish() ? Result<void>() : changed();
}

}  // namespace rtenv
