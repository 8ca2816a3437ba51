#include "base/sandbox_view.hpp"

#include <filesystem>
#include <optional>

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux

bool is_there(const Path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

struct Link {
  Path place;
  Path target;
  Path rest;  // of the path behind it
};

std::optional<Link> first_link(const Path& path) {
  Link link;
  for (auto part = path.begin(); part != path.end(); ++part) {
    link.place /= *part;
    std::error_code error;
    link.target = std::filesystem::read_symlink(link.place, error);
    if (error) continue;
    for (++part; part != path.end(); ++part) link.rest /= *part;
    return link;
  }
  return std::nullopt;
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

// The real path. The links on the way that are hidden are made in the view.
Path SandboxView::follow(const Path& path) {
  Path at = path.lexically_normal();
  for (int count = 0; count < k_max_links; ++count) {
    const auto link = first_link(at);
    if (!link) break;
    if (is_hidden(link->place)) {
      add_({"--symlink", link->target.native(), link->place.native()});
      places_.push_back({link->place, true});
    }
    at = link->place.parent_path() / link->target;
    for (const Path& part : link->rest) at /= part;
    at = at.lexically_normal();
  }
  return at;
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
