// Creates files below one folder and nowhere else: it never passes through a link. Not thread-safe;
// several objects may write into the same folder.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::pkg {

/// Which permissions the created files and folders get.
enum class Modes : std::uint8_t {
  exact,        // the given ones: for a cache, which must not depend on who fills it
  minus_umask,  // less those that the user's umask removes, as unzip and tar do
};

class TargetFolder {
 public:
  /// Creates the folder itself. Fails: already_exists, and by errno.
  static Result<void> create(const Path& path, Modes modes);
  /// Fails: not_found, permission_denied.
  static Result<TargetFolder> open(const Path& path, Modes modes);

  // Paths come from checked_entry_path. Parents are created as needed. All fail with
  // invalid_argument if the file exists (it is never replaced) or a parent isn't a folder.

  /// A folder that exists as the parent of another entry gets the permissions.
  Result<void> make_directory(const std::string& path, mode_t permissions);
  Result<Fd> create_file(const std::string& path, mode_t permissions);
  /// Requires: stays_inside(path, target).
  Result<void> make_link(const std::string& path, const std::string& target);
  /// Opens a file created before, to read it: for hard links, which become copies.
  Result<Fd> open_created_file(const std::string& path);

 private:
  TargetFolder(Fd root, Modes modes, mode_t umask)
      : root_(std::move(root)), modes_(modes), umask_(umask) {}
  [[nodiscard]] bool is_masked(mode_t permissions) const;
  int make_folder(int parent, const char* name, mode_t permissions) const;
  Result<int> parent_of(const std::string& path);
  Fd open_existing(const std::string& folder);
  Result<Fd> descend(std::string_view folder);
  static Failure refuse(std::string_view path, int error_number);

  Fd root_;
  Modes modes_;
  mode_t umask_;
  // The folder of the last entry, held open: entries of one folder usually follow each other.
  std::string parent_path_;
  Fd parent_;
};

}  // namespace rtenv::pkg
