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

bool is_repository(const Path& path) {
  std::error_code error;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path / "HEAD", error))) return false;
  const Path common = named_path(path / "commondir", "").value_or(path);
  return is_folder(common / "objects") && is_folder(common / "refs");
}

}  // namespace

bool is_work_tree(const Path& folder) {
  const Path dot_git = folder / ".git";
  if (is_folder(dot_git)) return is_repository(dot_git);
  const auto repository = named_path(dot_git, "gitdir: ");
  return repository && is_repository(*repository);
}

std::optional<Path> find_work_tree(const Path& folder) {
  struct stat start {};
  if (::stat(folder.c_str(), &start) != 0) return std::nullopt;
  for (Path path = folder;; path = path.parent_path()) {
    struct stat status {};
    if (path.filename() == ".git" || ::stat(path.c_str(), &status) != 0 ||
        status.st_dev != start.st_dev)
      return std::nullopt;
    if (is_work_tree(path)) return path;
    if (path == path.parent_path()) return std::nullopt;
  }
}

}  // namespace rtenv::pkg
