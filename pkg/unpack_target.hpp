// Where the entries of an archive go: a folder on disk, or a list. What is refused is the same.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "pkg/target_folder.hpp"

namespace rtenv::pkg {

class UnpackBudget;

/// For one thread; several may have the same target. Paths come from checked_entry_path. All fail
/// with invalid_argument if the path exists already, or a parent isn't a folder.
class UnpackTarget {
 public:
  virtual ~UnpackTarget() = default;

  /// A folder that exists as the parent of another entry gets the permissions.
  virtual Result<void> make_directory(const std::string& path, mode_t permissions) = 0;
  /// Requires: stays_inside(path, target).
  virtual Result<void> make_link(const std::string& path, const std::string& target) = 0;
  virtual Result<void> begin_file(const std::string& path, mode_t permissions) = 0;
  /// A piece of the file that was begun.
  virtual Result<void> write(std::span<const std::byte> data) = 0;
  virtual Result<void> finish_file() = 0;
  /// A file like `original`, which was made before. Fails: as UnpackBudget::add_bytes.
  virtual Result<void> copy_file(const std::string& path, const std::string& original,
                                 UnpackBudget& budget) = 0;
};

/// Makes the target of one thread.
using MakeTarget = std::function<Result<std::unique_ptr<UnpackTarget>>()>;

/// Unpacks into an existing folder.
MakeTarget unpack_into(const Path& folder, Modes modes);

}  // namespace rtenv::pkg
