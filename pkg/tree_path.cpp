#include "pkg/tree_path.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace rtenv::pkg {

std::string join_path(const std::string& folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  return path.append(folder).append(1, '/').append(name);
}

std::vector<std::string_view> split_path(std::string_view path) { return split(path, '/'); }

FolderAndName split_name(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {{}, path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool stays_inside(std::string_view path, std::string_view target) {
  return stays_inside(static_cast<std::size_t>(std::ranges::count(path, '/')), target);
}

bool stays_inside(std::size_t depth, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  bool went_down = false;
  for (const std::string_view part : split_path(target)) {
    if (part == "..") {
      if (went_down || depth-- == 0) return false;
    } else if (!part.empty() && part != ".") {
      went_down = true;
    }
  }
  return true;
}

}  // namespace rtenv::pkg
