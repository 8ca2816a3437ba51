#include "cache/uv_folder.hpp"

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "base/tree_usage.hpp"
#include "cache/trash.hpp"

namespace rtenv::cache {
namespace {

namespace fs = std::filesystem;

// uv before 0.6 fails if an archive is missing that one of these lists; later versions fetch it.
constexpr std::array<std::string_view, 8> k_old_indexes{"wheels-v1", "wheels-v2", "wheels-v3",
                                                        "sdists-v3", "sdists-v4", "sdists-v5",
                                                        "sdists-v6", "sdists-v7"};

std::uint64_t bytes_of(const Path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * 512
                                             : 0;
}

bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;
  return entry.symlink_status(error).type() == fs::file_type::directory;
}

// uv writes to a temporary folder, which remains if it is killed.
bool is_temporary(const Path& path) { return path.filename().native().starts_with(".tmp"); }

}  // namespace

UvFolder::Content UvFolder::content() const {
  Content content{.parts = {}, .other_bytes = bytes_of(folder_)};
  std::error_code error;
  for (const auto& bucket : fs::directory_iterator(folder_, error)) {
    if (is_temporary(bucket.path())) {
      content.parts.push_back({.path = bucket.path()});
      continue;
    }
    content.other_bytes += bytes_of(bucket.path());
    if (!is_folder(bucket)) continue;
    for (const auto& part : fs::directory_iterator(bucket.path(), error)) {
      if (is_folder(part))
        content.parts.push_back({.path = part.path()});
      else
        content.other_bytes += bytes_of(part.path());
    }
  }
  return content;
}

Result<std::optional<UvFolder::Pruner>> UvFolder::try_prune() const {
  RTENV_TRY(auto ours, LockFile::try_acquire(locks_ / k_uv_folder_lock));
  if (!ours) return std::optional<Pruner>();
  // uv has its lock as long as it runs, also without rtenv. Versions before 0.9 don't have it.
  RTENV_TRY(auto uvs, LockFile::try_acquire(folder_ / ".lock"));
  if (!uvs) return std::optional<Pruner>();
  return std::optional(Pruner(folder_, std::move(*ours), std::move(*uvs)));
}

Result<bool> UvFolder::Pruner::remove(const Part& part, Trash& trash) {
  RTENV_TRY(const TreeUsage now, tree_usage(part.path));
  if (now.changed_ms != part.last_used_ms) return false;
  if (part.path.parent_path().filename().native().starts_with("archive-"))
    for (const std::string_view index : k_old_indexes) RTENV_TRY(trash.move_in(folder_ / index));
  RTENV_TRY(trash.move_in(part.path));
  return true;
}

}  // namespace rtenv::cache
