#include "cli/tree_sizes.hpp"

#include <algorithm>
#include <unordered_map>

namespace rtenv::cli {

std::vector<FolderSize> largest_folders(const Package& package, std::size_t count) {
  std::unordered_map<std::string_view, FolderSize> by_path;
  for (const Entry& entry : package.entries) {
    if (entry.type != EntryType::file) continue;
    const std::string_view path = entry.path;
    for (auto slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      FolderSize& folder = by_path[path.substr(0, slash)];
      folder.path = path.substr(0, slash);
      ++folder.files;
      folder.total_bytes += entry.size_bytes;
    }
  }
  std::vector<FolderSize> folders;
  folders.reserve(by_path.size());
  for (const auto& [path, folder] : by_path) folders.push_back(folder);
  std::ranges::sort(folders, [](const FolderSize& a, const FolderSize& b) {
    return a.total_bytes != b.total_bytes ? a.total_bytes > b.total_bytes : a.path < b.path;
  });
  folders.resize(std::min(count, folders.size()));
  return folders;
}

std::vector<const Entry*> largest_files(const Package& package, std::size_t count) {
  std::vector<const Entry*> files;
  for (const Entry& entry : package.entries)
    if (entry.type == EntryType::file) files.push_back(&entry);
  std::ranges::stable_sort(files, std::greater<>(), &Entry::size_bytes);
  files.resize(std::min(count, files.size()));
  return files;
}

}  // namespace rtenv::cli
