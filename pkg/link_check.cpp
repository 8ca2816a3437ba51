#include "pkg/link_check.hpp"

#include <algorithm>
#include <string_view>

#include "base/shown_name.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

constexpr int k_max_links = 40;  // followed on the way to one file, as in Linux

const Entry* find(const std::vector<Entry>& entries, const std::string& path) {
  const auto found = std::ranges::lower_bound(entries, path, {}, &Entry::path);
  return found != entries.end() && found->path == path ? &*found : nullptr;
}

// Puts the parts of a path before the remaining ones. The last element is the next part.
void push_parts(std::vector<std::string_view>& parts, std::string_view path) {
  const auto added = split_path(path);
  parts.insert(parts.end(), added.rbegin(), added.rend());
}

bool leads_to_an_entry(const std::vector<Entry>& entries, const Entry& link) {
  std::string folder(split_name(link.path).folder);
  std::vector<std::string_view> parts;
  push_parts(parts, link.link_target);
  for (int links = 1; !parts.empty();) {
    const std::string_view part = parts.back();
    parts.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      folder = split_name(folder).folder;
      continue;
    }
    const Entry* const entry = find(entries, join_path(folder, part));
    if (entry == nullptr || entry->type == EntryType::name_only) return false;
    if (entry->type == EntryType::file) return parts.empty();
    if (entry->type == EntryType::directory) {
      folder = entry->path;
      continue;
    }
    if (++links > k_max_links) return false;
    push_parts(parts, entry->link_target);
  }
  return true;
}

}  // namespace

std::vector<std::string> dangling_links(const std::vector<Entry>& entries) {
  std::vector<std::string> warnings;
  for (const Entry& entry : entries)
    if (entry.type == EntryType::link && !leads_to_an_entry(entries, entry))
      warnings.push_back(fmt::format("{} is a link to {}, which isn't in the package",
                                     shown_name(entry.path), shown_name(entry.link_target)));
  return warnings;
}

}  // namespace rtenv::pkg
