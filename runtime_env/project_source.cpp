#include "runtime_env/project_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <regex>

#include "base/file.hpp"
#include "base/folder_entries.hpp"
#include "base/lines.hpp"
#include "base/processors.hpp"
#include "base/text.hpp"
#include "pkg/git_version.hpp"
#include "pkg/package.hpp"

namespace rtenv::runtime_env {
namespace {

constexpr const char* k_repository = ".git";

struct Project {
  pkg::NamedDirectory named;
  std::optional<std::string> version;  // of its repository
};

bool is_output_of_setuptools(std::string_view name) {
  return name == "lib" || name.starts_with("lib.") || name.starts_with("bdist.") ||
         name.starts_with("temp.") || name.starts_with("scripts-");
}

bool is_built_package(std::string_view name) {
  return name.ends_with(".whl") || name.ends_with(".tar.gz") || name == ".gitignore";
}

bool has_only(const Path& folder, bool (*matches)(std::string_view)) {
  const auto entries = folder_entries(folder);
  return entries && std::ranges::all_of(
                        *entries, [&](const FolderEntry& entry) { return matches(entry.name()); });
}

Result<Project> read_project(const Path& folder) {
  std::error_code error;
  std::optional<std::string> version;
  pkg::ScanOptions scan{.excludes = {"__pycache__", "/.venv", "/venv", "/.tox", "/.nox",
                                     "/.pytest_cache", "/.mypy_cache", "/.ruff_cache"},
                        .use_gitignore = false};
  if (has_only(folder / "build", is_output_of_setuptools)) scan.excludes.emplace_back("/build");
  if (has_only(folder / "dist", is_built_package)) scan.excludes.emplace_back("/dist");
  if (!std::filesystem::exists(folder / "PKG-INFO", error)) {
    scan.excludes.emplace_back("/*.egg-info");
    scan.excludes.emplace_back("/src/*.egg-info");
  }
  // A repository that can't be read counts file by file.
  if (std::filesystem::exists(folder / k_repository, error)) {
    if (auto found = pkg::git_version(folder)) version = std::move(*found);
    if (version) scan.excludes.emplace_back(std::string("/") + k_repository);
  }
  RTENV_TRY(auto named, pkg::name_directory(folder, {.scan = std::move(scan),
                                                     .zip = {.threads = default_threads()}}));
  return Project{std::move(named), std::move(version)};
}

// Build tools compare times to find out what is up to date.
Result<void> copy_times(const pkg::Tree& tree, const Path& target) {
  for (const pkg::Entry& entry : tree.entries) {
    struct stat status {};
    if (entry.type != pkg::EntryType::file ||
        ::stat((tree.root / entry.path).c_str(), &status) != 0)
      continue;
    const std::array<timespec, 2> times{timespec{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                        status.st_mtim};
    if (::utimensat(AT_FDCWD, (target / entry.path).c_str(), times.data(), 0) != 0)
      return fail_errno("set the time of", (target / entry.path).native());
  }
  return {};
}

// The repository of a linked working tree or a submodule is elsewhere; ".git" is a file that names
// it, sometimes by a relative path.
Result<void> copy_repository(const Path& folder, const Path& target,
                             const Cancellation* cancellation) {
  constexpr std::string_view k_key = "gitdir: ";
  std::error_code error;
  if (std::filesystem::is_directory(folder / k_repository, error))
    return clone_tree(folder / k_repository, target / k_repository, {.cancellation = cancellation});
  RTENV_TRY(const std::string text, read_file(folder / k_repository));
  if (!text.starts_with(k_key))
    return fail(Errc::corrupt, "{} isn't git's", (folder / k_repository).native());
  const Path named(trim(std::string_view(text).substr(k_key.size())));
  RTENV_TRY(AtomicFile file, AtomicFile::create(target / k_repository));
  RTENV_TRY(file.write(
      fmt::format("{}{}\n", k_key, (std::filesystem::absolute(folder) / named).native())));
  return file.commit(Durability::process);
}

}  // namespace

Result<void> check_requires_no_local_files(const Path& folder) {
  const Path file = folder / "pyproject.toml";
  const auto text = read_file(file);
  if (!text) return {};
  static const std::regex file_url("@\\s*file:");
  static const std::regex source("\\bpath\\s*=\\s*[\"']/");
  std::string_view section;
  int number = 0;
  for (const std::string_view line : lines_of(*text)) {
    ++number;
    const std::string_view content = trim(line);
    if (content.starts_with('[')) section = content;
    if (content.starts_with('#')) continue;
    if (!std::regex_search(content.begin(), content.end(), file_url) &&
        !(section.starts_with("[tool.uv.sources") &&
          std::regex_search(content.begin(), content.end(), source)))
      continue;
    return fail(Errc::invalid_argument,
                "{}, line {}: it requires a local file or folder, whose content isn't part of the "
                "environment's key: {}",
                file.native(), number, content)
        .hint(
            "list it in the packages, and name it without a path, or by one that is relative to "
            "the project");
  }
  return {};
}

Result<std::string> project_content(const Path& folder) {
  RTENV_TRY(const Project project, read_project(folder));
  std::string line = "source " + project.named.name().digits();
  if (project.version) line += " " + *project.version;
  return line;
}

Result<void> copy_project(const Path& folder, const Path& target,
                          const Cancellation* cancellation) {
  RTENV_TRY(Project project, read_project(folder));
  RTENV_TRY(pkg::copy_tree(project.named, target,
                           {.scheme = project.named.name().scheme(),
                            .threads = default_threads(),
                            .cancellation = cancellation}));
  RTENV_TRY(copy_times(project.named.tree(), target));
  if (!project.version) return {};
  return copy_repository(folder, target, cancellation);
}

}  // namespace rtenv::runtime_env
