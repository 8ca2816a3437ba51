// An owned file descriptor, and complete reads and writes. Everything opened here is close-on-exec.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace rtenv {

using Path = std::filesystem::path;

/// Owns a file descriptor and closes it, but for one of a database that this process has open: see
/// OpenDatabases. Move-only; negative numbers count as empty.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) noexcept : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
  /// Releases ownership: the caller must close the descriptor.
  int release() noexcept { return std::exchange(number_, -1); }
  void reset() noexcept;

 private:
  int number_ = -1;
};

/// open(2) with O_CLOEXEC added to `flags`. Fails: by errno, see system_error.
Result<Fd> open_file(const Path& path, int flags, mode_t mode = 0666);

/// As open_file, of a regular file or /dev/null only: opening a FIFO can wait forever, and so can
/// reading it. With O_CREAT, a symbolic link isn't followed. Fails: also invalid_argument (another
/// kind of file).
Result<Fd> open_regular_file(const Path& path, int flags, mode_t mode = 0666);

/// Opens a folder below another one, by a relative path without symbolic links and "..". Fails:
/// by errno.
Result<Fd> open_beneath(const Fd& root, const std::string& path);

/// Reads `buffer.size()` bytes, fewer only at the end of the file; returns the number of bytes.
/// Errors name the file as `name`, here and below. Fails: by errno, as all functions here.
Result<std::size_t> read_full(const Fd& fd, std::span<std::byte> buffer, std::string_view name);

/// As read_full, from `offset` instead of the file position, which doesn't change.
Result<std::size_t> read_full_at(const Fd& fd, std::span<std::byte> buffer, off_t offset,
                                 std::string_view name);

/// Reads until the end of the file.
Result<std::string> read_to_end(const Fd& fd, std::string_view name);

/// Writes all of the data.
Result<void> write_full(const Fd& fd, std::span<const std::byte> data, std::string_view name);
Result<void> write_full(const Fd& fd, std::string_view text, std::string_view name);

}  // namespace rtenv
