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

}  // namespace rtenv::pkg
