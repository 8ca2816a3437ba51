// Lists folders by path. The iterators of <filesystem> call std::terminate if memory runs out; what
// is here throws std::bad_alloc.
#pragma once

#include <functional>
#include <vector>

#include "base/fd.hpp"

namespace rtenv {

struct FolderEntry {
  enum class Type : std::uint8_t { file, directory, link, other };
  Path path;  // the folder's, followed by the name
  Type type = Type::other;

  [[nodiscard]] std::string name() const { return path.filename().native(); }
  /// Not a link to one.
  [[nodiscard]] bool is_directory() const noexcept { return type == Type::directory; }
};

/// All entries, in no particular order. Follows a link to the folder. Fails: not_found,
/// permission_denied, unavailable (no descriptor left), and by errno.
Result<std::vector<FolderEntry>> folder_entries(const Path& folder);

/// The same of a folder that needn't exist: what can't be read has no entries.
std::vector<FolderEntry> readable_entries(const Path& folder);

enum class Descent : std::uint8_t { enter, skip };

/// Calls `visit` for each entry at any depth, a folder before what is in it, and enters the folders
/// for which it returns so. Doesn't follow links below `folder`, and passes over what somebody
/// removes meanwhile. Needs one descriptor, however deep the folder is. Fails: as folder_entries
/// and `visit`.
Result<void> walk_folder(const Path& folder,
                         const std::function<Result<Descent>(const FolderEntry&)>& visit);

}  // namespace rtenv
