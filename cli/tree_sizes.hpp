// The largest folders and files of a package, to show why it is large.
#pragma once

#include <string_view>
#include <vector>

#include "rtenv/package.hpp"

namespace rtenv::cli {

struct FolderSize {
  std::string_view path;  // points into the package
  std::uint64_t files = 0;
  std::uint64_t total_bytes = 0;  // including subfolders
};

/// Largest first, then by path.
std::vector<FolderSize> largest_folders(const Package& package, std::size_t count);
/// Largest first, then by path. The pointers point into the package.
std::vector<const Entry*> largest_files(const Package& package, std::size_t count);

}  // namespace rtenv::cli
