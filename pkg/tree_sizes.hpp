// The largest folders and files of a tree, to show why a package is large.
#pragma once

#include <string_view>
#include <vector>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct FolderSize {
  std::string_view path;  // points into the tree
  std::uint64_t files = 0;
  std::uint64_t total_bytes = 0;  // including subfolders
};

/// Largest first, then by path. Requires: measured entries.
std::vector<FolderSize> largest_folders(const Tree& tree, std::size_t count);
/// Largest first, then by path. Requires: measured entries. The pointers point into the tree.
std::vector<const Entry*> largest_files(const Tree& tree, std::size_t count);

}  // namespace rtenv::pkg
