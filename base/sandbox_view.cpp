#include "base/sandbox_view.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace rtenv {
namespace {

constexpr int k_max_links = 40;  // as in Linux

// The homes of system users can be there.
constexpr std::array<std::string_view, 9> k_needed{"/usr", "/bin", "/sbin", "/lib", "/lib64",
                                                   "/etc", "/dev", "/proc", "/sys"};

bool is_needed(const Path& folder) {
  const std::string text = folder.native() + "/";
  return folder == "/" || std::ranges::any_of(k_needed, [&](std::string_view needed) {
           return text.starts_with(std::string(needed) + "/");
         });
}

bool is_there(const Path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Path real_path(const Path& path) {
  std::error_code error;
  const Path real = std::filesystem::canonical(path, error);
  return error ? path.lexically_normal() : real;
}

bool is_in(const Path& path, const std::vector<std::string>& folders) {
  return std::ranges::any_of(folders, [&](const std::string& folder) {
    return (path.native() + "/").starts_with(folder) && path.native().size() >= folder.size();
  });
}

}  // namespace

bool SandboxView::is_hidden(const Path& path) const {
  return is_in(path, hidden_) && !is_in(path, shown_);
}

void SandboxView::hide(const Path& folder) {
  std::error_code error;
  const Path real = real_path(folder);
  if (!std::filesystem::is_directory(real, error) || is_needed(real)) return;
  add_({"--tmpfs", real.native()});
  hidden_.push_back((real / "").native());
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
        shown_.push_back(at.native() + "/");
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
  shown_.push_back(real.native() + "/");
}

void SandboxView::show_writable(const Path& path) {
  const Path real = follow(path);
  add_({"--bind", real.native(), real.native()});
}

void SandboxView::create(const Path& folder) {
  if (is_hidden(folder)) add_({"--dir", folder.native()});
}

}  // namespace rtenv
