// A file's content as memory, read as it is touched. It must not become shorter meanwhile: for
// files of our own. Move-only.
#pragma once

#include <span>

#include "base/fd.hpp"

namespace rtenv {

class MappedFile {
 public:
  /// Fails: as open and mmap.
  static Result<MappedFile> open(const Path& path);
  MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, {})) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> data() const noexcept { return data_; }
  /// What was touched so far doesn't count as this process's memory any longer; it may be read
  /// again.
  void forget() const noexcept;

 private:
  explicit MappedFile(std::span<const std::byte> data) : data_(data) {}
  std::span<const std::byte> data_;
};

}  // namespace rtenv
