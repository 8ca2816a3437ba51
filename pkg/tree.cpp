#include "pkg/tree.hpp"

#include <algorithm>
#include <numeric>

namespace rtenv::pkg {

std::uint64_t Tree::total_bytes() const {
  return std::accumulate(
      entries.begin(), entries.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Entry& entry) { return sum + entry.size_bytes; });
}

std::size_t Tree::file_count() const {
  return static_cast<std::size_t>(std::ranges::count(entries, EntryType::file, &Entry::type));
}

std::string join_path(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  return path.append(folder).append(1, '/').append(name);
}

bool stays_inside(std::string_view path, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::ranges::count(path, '/');
  bool went_down = false;
  while (!target.empty()) {
    const auto slash = target.find('/');
    const std::string_view part = target.substr(0, slash);
    if (part == "..") {
      if (went_down || depth-- == 0) return false;
    } else if (!part.empty() && part != ".") {
      went_down = true;
    }
    if (slash == std::string_view::npos) break;
    target.remove_prefix(slash + 1);
  }
  return true;
}

}  // namespace rtenv::pkg
