#include "base/sandbox_view.hpp"

#include <filesystem>
#include <vector>

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux

bool is_there(const Path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace

Path real_path(const Path& path) {
  std::error_code error;
  const Path real = std::filesystem::weakly_canonical(path, error);
  return error ? path.lexically_normal() : real;
}

bool contains(const Path& folder, const Path& path) {
  return (path / "").native().starts_with((folder / "").native());
}

bool SandboxView::is_hidden(const Path& path) const {
  for (auto place = places_.rbegin(); place != places_.rend(); ++place)
    if (contains(place->path, path)) return !place->is_shown;
  return false;
}

void SandboxView::hide(const Path& path) {
  std::error_code error;
  const Path real = real_path(path);
  if (is_hidden(real)) return;
  if (std::filesystem::is_directory(real, error))
    add_({"--tmpfs", real.native()});
  else if (is_there(real))
    add_({"--ro-bind", "/dev/null", real.native()});
  else
    return;
  places_.push_back({real, false});
}

// The real path, as the kernel finds it: what precedes ".." may be a link. The links on the way
// that are hidden are made in the view.
Path SandboxView::follow(const Path& path) {
  Path real = "/";
  std::vector<Path> rest;  // the next part is the last
  const auto go_on_with = [&](const Path& way) {
    const std::vector<Path> parts(way.begin(), way.end());
    rest.insert(rest.end(), parts.rbegin(), parts.rend());
  };
  go_on_with(path);
  for (int links = 0; !rest.empty();) {
    const Path part = std::move(rest.back());
    rest.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      real = real.parent_path();
      continue;
    }
    const Path place = real / part;
    std::error_code error;
    const Path target = std::filesystem::read_symlink(place, error);
    if (error || ++links > k_max_links) {
      real = place;
      continue;
    }
    if (is_hidden(place)) {
      add_({"--symlink", target.native(), place.native()});
      places_.push_back({place, true});
    }
    go_on_with(target);
  }
  return real;
}

void SandboxView::show(const Path& path) {
  if (!path.is_absolute() || !is_there(path)) return;
  const Path real = follow(path);
  if (!is_hidden(real)) return;
  add_({"--ro-bind", real.native(), real.native()});
  places_.push_back({real, true});
}

void SandboxView::show_writable(const Path& path) {
  const Path real = follow(path);
  add_({"--bind", real.native(), real.native()});
  places_.push_back({real, true});
}

void SandboxView::create(const Path& folder) {
  const Path real = follow(folder);
  if (is_hidden(real)) add_({"--dir", real.native()});
}

}  // namespace rtenv
