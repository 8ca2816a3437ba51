// A temporary directory that is removed, with its content, by the destructor. Move-only.
#pragma once

#include "base/file.hpp"

namespace rtenv {

class TempDir {
 public:
  /// Creates a directory (mode 0700) in `parent`, by default in $TMPDIR or /tmp.
  static Result<TempDir> create(const Path& parent = {});
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, Path())) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// Releases ownership: the directory won't be removed.
  Path release() { return std::exchange(path_, Path()); }

 private:
  explicit TempDir(Path path) : path_(std::move(path)) {}
  void remove() noexcept;
  Path path_;
};

}  // namespace rtenv
