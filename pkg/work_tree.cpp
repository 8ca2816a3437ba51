#include "pkg/work_tree.hpp"

#include <sys/stat.h>

#include <string>

#include "base/file.hpp"
#include "base/text.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::uint64_t k_max_pointer_bytes = 1 << 16;

bool is_folder(const Path& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// The path that a file of git names, after `key`; nullopt if there is no such file.
std::optional<Path> named_path(const Path& file, std::string_view key) {
  const auto text = read_file(file, k_max_pointer_bytes);
  if (!text || !text->starts_with(key)) return std::nullopt;
  return file.parent_path() / Path(trim(std::string_view(*text).substr(key.size())));
}

Path common_dir_of(const Path& git_dir) {
  return named_path(git_dir / "commondir", "").value_or(git_dir);
}

bool is_repository(const Path& path) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path / "HEAD", error))) return false;
  const Path common = common_dir_of(path);
  return is_folder(common / "objects") && is_folder(common / "refs");
}

// The repository of the work tree that `folder` is the top of.
std::optional<Path> git_dir_of(const Path& folder) {
  const Path dot_git = folder / ".git";
  auto git_dir = is_folder(dot_git) ? dot_git : named_path(dot_git, "gitdir: ");
  return git_dir && is_repository(*git_dir) ? git_dir : std::nullopt;
}

// The first folder from `folder` upwards that matches.
template <class Matches>
std::optional<Path> find_upwards(const Path& folder, Matches matches) {
  struct stat start {};
  if (::stat(folder.c_str(), &start) != 0) return std::nullopt;
  for (Path path = folder;; path = path.parent_path()) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || status.st_dev != start.st_dev) return std::nullopt;
    if (matches(path)) return path;
    if (path == path.parent_path()) return std::nullopt;
  }
}

}  // namespace

bool is_work_tree(const Path& folder) { return git_dir_of(folder).has_value(); }

std::optional<Path> find_work_tree(const Path& folder) {
  const auto is_in_repository = [](const Path& path) { return path.filename() == ".git"; };
  auto found = find_upwards(
      folder, [&](const Path& path) { return is_in_repository(path) || is_work_tree(path); });
  return found && is_in_repository(*found) ? std::nullopt : found;
}

std::optional<RepositoryPlace> find_repository(const Path& folder) {
  std::error_code error;
  const Path start = std::filesystem::canonical(folder, error);
  const auto top = find_upwards(
      start, [](const Path& path) { return is_work_tree(path) || is_repository(path); });
  if (!top) return std::nullopt;
  const Path git_dir = git_dir_of(*top).value_or(*top);
  return RepositoryPlace{.top = *top, .git_dir = git_dir, .common_dir = common_dir_of(git_dir)};
}

}  // namespace rtenv::pkg
