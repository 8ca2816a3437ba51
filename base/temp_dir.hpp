// A temporary directory that is removed, with its content, by the destructor; if the work was
// cancelled, or that fails, by whoever waits for the work: see Cancellation::leave. A fork of the
// process that made it leaves it alone. Move-only.
#pragma once

#include "base/file.hpp"
#include "base/origin.hpp"

namespace rtenv {

class Cancellation;

class TempDir {
 public:
  /// Creates a directory (mode 0700) in `parent`, by default in $TMPDIR or /tmp. `cancellation` is
  /// that of the work which uses it; it may be null, and must outlive this.
  static Result<TempDir> create(const Path& parent = {},
                                const Cancellation* cancellation = nullptr);
  /// For what is to be moved elsewhere in `parent`: by its name, it isn't part of a package. It is
  /// removed from wherever it is: a user may move the folders above it.
  static Result<TempDir> create_unfinished(const Path& parent, const Cancellation* cancellation);
  TempDir(TempDir&& other) noexcept
      : path_(std::exchange(other.path_, Path())),
        place_(std::move(other.place_)),
        cancellation_(other.cancellation_),
        origin_(other.origin_) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  [[nodiscard]] const Path& path() const noexcept { return path_; }
  /// Releases ownership: the directory won't be removed.
  Path release() { return std::exchange(path_, Path()); }

 private:
  TempDir(Path path, const Cancellation* cancellation)
      : path_(std::move(path)), cancellation_(cancellation) {}
  static Result<TempDir> make(Path path, const Cancellation* cancellation);
  void remove() noexcept;
  [[nodiscard]] Path path_now() const;
  Path path_;
  Fd place_;  // of an unfinished one: tells where it is
  const Cancellation* cancellation_;
  Origin origin_;
};

/// A new file in such a directory, to read and write; it has no name, so that nothing is left after
/// a kill. Fails: by errno.
Result<Fd> open_temp_file();

}  // namespace rtenv
