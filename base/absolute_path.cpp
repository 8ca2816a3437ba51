#include "base/absolute_path.hpp"

#include <algorithm>

namespace rtenv {

Path absolute_path(const Path& path) {
  std::error_code error;
  Path absolute = std::filesystem::absolute(path, error);
  if (error) return path;
  const bool goes_up = std::ranges::find(absolute, Path("..")) != absolute.end();
  if (goes_up) {
    Path real = std::filesystem::weakly_canonical(absolute, error);
    if (error) return absolute;
    absolute = std::move(real);
  } else {
    absolute = absolute.lexically_normal();
  }
  return absolute.has_filename() || !absolute.has_relative_path() ? absolute
                                                                  : absolute.parent_path();
}

}  // namespace rtenv
