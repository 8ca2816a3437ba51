// A folder of one's own that is removed, with all in it, when it goes. Move-only.
#pragma once

#include "base/file.hpp"

namespace rtenv {

class TempDir {
 public:
  /// A new folder (mode 0700) within `parent`; without one, within $TMPDIR or /tmp.
  static Result<TempDir> create(const Path& parent = {});
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, Path())) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// Gives the folder away: it stays.
  Path release() { return std::exchange(path_, Path()); }

 private:
  explicit TempDir(Path path) : path_(std::move(path)) {}
  void remove() noexcept;
  Path path_;
};

}  // namespace rtenv
