// A read-only memory mapping of a file. Accessing the mapping after the file was truncated raises
// SIGBUS, so use it only for files that don't change. Move-only.
#pragma once

#include <span>

#include "base/fd.hpp"

namespace rtenv {

class MappedFile {
 public:
  /// Fails: not_found, permission_denied, and by errno (system_error).
  static Result<MappedFile> open(const Path& path);
  MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> data() const noexcept { return data_; }
  /// Releases the physical memory of the pages read so far (MADV_DONTNEED); they can be read again.
  void forget() const noexcept;

 private:
  explicit MappedFile(std::span<const std::byte> data) : data_(data) {}
  std::span<const std::byte> data_;
};

}  // namespace rtenv
