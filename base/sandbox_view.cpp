#include "base/sandbox_view.hpp"

#include <filesystem>

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux

bool is_there(const Path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

bool contains(const Path& folder, const Path& path) {
  return (path / "").native().starts_with((folder / "").native());
}

}  // namespace

Path real_path(const Path& path) {
  std::error_code error;
  const Path real = std::filesystem::weakly_canonical(path, error);
  return error ? path.lexically_normal() : real;
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

// The real path. The links on the way that are hidden are made in the view.
Path SandboxView::follow(const Path& path) {
  Path rest = path.lexically_normal();
  for (int count = 0; count < k_max_links; ++count) {
    Path at;
    bool has_link = false;
    for (auto part = rest.begin(); part != rest.end() && !has_link; ++part) {
      at /= *part;
      std::error_code error;
      const Path target = std::filesystem::read_symlink(at, error);
      if (error) continue;
      has_link = true;
      if (is_hidden(at)) {
        add_({"--symlink", target.native(), at.native()});
        places_.push_back({at, true});
      }
      Path next = (at.parent_path() / target).lexically_normal();
      for (++part; part != rest.end(); ++part) next /= *part;
      rest = std::move(next);
      break;
    }
    if (!has_link) return rest;
  }
  return rest;
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
