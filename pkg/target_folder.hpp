// Makes files beneath one folder and nowhere else: what an archive says is checked before anything
// is touched, and every step down refuses to pass through a link. Not thread-safe; several may
// write into one folder.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

/// A path of an archive's entry as a clean relative one, without the '/' at its end.
/// `from_unix` says that a backslash may be a plain character of the name.
/// Fails: invalid_argument for absolute paths, "..", drive names, NUL bytes, and backslashes that
/// could mean a way out.
Result<std::string> checked_entry_path(std::string_view name, bool from_unix);

class TargetFolder {
 public:
  /// Requires: the folder is there.
  static Result<TargetFolder> open(const Path& path);

  // Paths come from checked_entry_path. Parents are made as needed. What is there already is never
  // replaced: invalid_argument, as is a parent that isn't a folder.
  Result<void> make_directory(const std::string& path);
  Result<Fd> create_file(const std::string& path, mode_t permissions);
  /// Requires: stays_inside(path, target).
  Result<void> make_link(const std::string& path, const std::string& target);
  /// Reads a file made before: for hard links, which become copies.
  Result<Fd> open_made_file(const std::string& path);

 private:
  TargetFolder(Fd root, mode_t umask) : root_(std::move(root)), umask_(umask) {}
  Result<int> parent_of(const std::string& path);
  Fd open_made(const std::string& folder);
  Result<Fd> descend(std::string_view folder);
  static Failure refuse(std::string_view path, int error_number);

  Fd root_;
  mode_t umask_;
  std::string parent_path_;  // the folder that parent_ is open on: entries of one folder mostly
                             // come together
  Fd parent_;
};

}  // namespace rtenv::pkg
