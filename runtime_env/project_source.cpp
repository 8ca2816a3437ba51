#include "runtime_env/project_source.hpp"

#include "base/file.hpp"
#include "base/parallel.hpp"
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

Result<Project> read_project(const Path& folder) {
  std::error_code error;
  std::optional<std::string> version;
  pkg::ScanOptions scan{.excludes = {"__pycache__", "/.venv", "/venv", "/.tox", "/.nox",
                                     "/.pytest_cache", "/.mypy_cache", "/.ruff_cache"},
                        .use_gitignore = false};
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
  if (!project.version) return {};
  return copy_repository(folder, target, cancellation);
}

}  // namespace rtenv::runtime_env
