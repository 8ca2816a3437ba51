#include "cache/folder_limit.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/log.hpp"

namespace rtenv::cache {
namespace {

struct Item {
  Path path;
  std::int64_t changed_ms;
  std::uint64_t bytes;
};

std::vector<Item> newest_first(const Path& folder) {
  std::vector<Item> items;
  for (const FolderEntry& entry : readable_entries(folder)) {
    struct stat status {};
    if (::lstat(entry.path.c_str(), &status) != 0) continue;
    // The ctime: a rename into the folder changes it.
    items.push_back(
        {entry.path,
         std::int64_t{status.st_ctim.tv_sec} * 1000 + status.st_ctim.tv_nsec / 1'000'000,
         static_cast<std::uint64_t>(status.st_blocks) * 512});
  }
  std::ranges::sort(items, std::greater(), &Item::changed_ms);
  return items;
}

}  // namespace

void limit_folder(const Path& folder, const FolderLimit& limit, std::int64_t now_ms) {
  std::size_t kept = 0;
  std::uint64_t kept_bytes = 0;
  for (const Item& item : newest_first(folder)) {
    const bool too_old =
        now_ms - item.changed_ms > std::chrono::milliseconds(limit.max_age).count();
    if (!too_old && kept < limit.max_count && kept_bytes + item.bytes <= limit.max_bytes) {
      ++kept;
      kept_bytes += item.bytes;
    } else if (const auto removed = remove_tree(item.path); !removed) {
      log::warn("{}", removed.error().message());
    }
  }
}

}  // namespace rtenv::cache
