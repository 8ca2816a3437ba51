// Paths within a tree: relative to its root, parts separated by '/', bytes as on disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rtenv::pkg {

/// The path of `name` in `folder`, whose own path is empty for the root.
std::string join_path(const std::string& folder, std::string_view name);

/// The text between slashes, empty parts included: "a//b/" has four parts, "" has one.
std::vector<std::string_view> split_path(std::string_view path);

struct FolderAndName {
  std::string_view folder;  // empty for the root
  std::string_view name;    // a suffix of the path
};
/// The part before the last slash and the part after it. Views into `path`.
FolderAndName split_name(std::string_view path);

/// Whether a link at `path` may be kept: its target is relative and can't leave the tree. ".." is
/// accepted only at the beginning of the target, because after a folder that is itself a link it
/// would lead somewhere else.
bool stays_inside(std::string_view path, std::string_view target);
/// The same for a link from whose folder ".." may lead up `depth` times.
bool stays_inside(std::size_t depth, std::string_view target);

}  // namespace rtenv::pkg
