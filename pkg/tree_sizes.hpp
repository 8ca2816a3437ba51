// What makes a tree large: for people who wonder why their package is.
#pragma once

#include <string_view>
#include <vector>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

struct FolderSize {
  std::string_view path;  // points into the tree
  std::uint64_t files = 0;
  std::uint64_t total_bytes = 0;  // with all below
};

/// Largest first; of equal ones, by path. Requires: measured entries.
std::vector<FolderSize> largest_folders(const Tree& tree, std::size_t count);
std::vector<const Entry*> largest_files(const Tree& tree, std::size_t count);

}  // namespace rtenv::pkg
