#include "pkg/git_settings.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rtenv::pkg {
namespace {

constexpr const char* k_excludes_file = "core.excludesFile";
constexpr const char* k_ignore_case = "core.ignoreCase";
constexpr const char* k_both = R"(^core\.(excludesfile|ignorecase)$)";

// libgit2 1.5 follows not all includes, and knows nothing of the work tree's own file. Of
// core.excludesFile, a key without a value is an error.
bool is_for_git_itself(const git_config_entry& entry) {
  const std::string_view name = entry.name;  // in lower case, but for its middle part
  return name.starts_with("include.") || name.starts_with("includeif.") ||
         name == "extensions.worktreeconfig" ||
         (name == "core.excludesfile" && entry.value == nullptr);
}

// Used if core.excludesFile isn't set.
std::optional<Path> default_excludes(const Environment& environment) {
  if (const auto config = environment.find_filled("XDG_CONFIG_HOME"))
    return Path(*config) / "git/ignore";
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".config/git/ignore";
  return std::nullopt;
}

// An empty one means no file.
std::optional<Path> file_of(std::string_view value) {
  return value.empty() ? std::nullopt : std::optional<Path>(value);
}

// Nullopt if it isn't set.
Result<std::optional<std::string>> ask(const GitProgram& program, const Path& work_tree,
                                       const char* option, const char* key) {
  RTENV_TRY(auto answer, program.ask(work_tree, {"config", "--null", option, key}));
  if (answer.exit_code == 1) return std::nullopt;
  if (answer.exit_code != 0)
    return fail(Errc::invalid_argument, "git can't read its settings for {}: {}",
                work_tree.native(), answer.errors)
        .hint("correct that; git -C {} config --list --show-origin says where each setting is",
              work_tree.native());
  answer.output.resize(std::min(answer.output.find('\0'), answer.output.size()));
  return std::optional(std::move(answer.output));
}

Result<GitSettings> ask_git(GitSettings settings, const GitProgram& program,
                            const Path& work_tree) {
  RTENV_TRY(const auto any, ask(program, work_tree, "--get-regexp", k_both));
  if (!any) return settings;  // most often
  RTENV_TRY(const auto file, ask(program, work_tree, "--path", k_excludes_file));
  RTENV_TRY(const auto ignore_case, ask(program, work_tree, "--bool", k_ignore_case));
  if (file) settings.excludes_file = file_of(*file);
  settings.ignore_case = ignore_case == "true";
  return settings;
}

Result<GitSettings> ask_libgit2(GitSettings settings, const GitRepository& repository,
                                const Environment& environment) {
  for (const auto& [name, value] : environment.values())
    if (name.starts_with("GIT_CONFIG_")) return needs_git_program(name);
  const GitLibrary& git = repository.git();
  git_config* config = nullptr;
  if (git.repository_config_snapshot(&config, repository.get()) != 0)
    return repository.failed(Errc::corrupt, "cannot read git's settings");
  const GitOwned<git_config> owner(config, git.config_free);
  std::string unknown;
  const auto note = [](const git_config_entry* entry, void* name) {
    if (is_for_git_itself(*entry)) *static_cast<std::string*>(name) = entry->name;
    return 0;
  };
  if (git.config_foreach(config, note, &unknown) != 0)
    return repository.failed(Errc::corrupt, "cannot read git's settings");
  if (!unknown.empty()) return needs_git_program("git's setting " + unknown);

  const char* value = nullptr;
  const int found = git.config_get_string(&value, config, k_excludes_file);
  if (found == 0) {
    // libgit2 knows nothing of "%(prefix)/" and ":(optional)", and doesn't find other users' homes.
    git_buf path{};
    if (*value == '%' || *value == ':' || git.config_parse_path(&path, value) != 0)
      return needs_git_program(fmt::format("git's setting {} = {}", k_excludes_file, value));
    settings.excludes_file = file_of({path.ptr, path.size});
    git.buf_dispose(&path);
  } else if (found != GIT_ENOTFOUND) {
    return repository.failed(Errc::invalid_argument,
                             fmt::format("cannot read git's setting {}", k_excludes_file));
  }
  int ignore_case = 0;
  if (const int got = git.config_get_bool(&ignore_case, config, k_ignore_case);
      got != 0 && got != GIT_ENOTFOUND)
    return repository.failed(Errc::invalid_argument,
                             fmt::format("cannot read git's setting {}", k_ignore_case));
  settings.ignore_case = ignore_case != 0;
  return settings;
}

}  // namespace

Result<GitSettings> GitSettings::read(const GitRepository& repository, const GitProgram& program) {
  GitSettings settings{.excludes_file = default_excludes(program.environment())};
  if (program.exists())
    return ask_git(std::move(settings), program,
                   repository.git().repository_workdir(repository.get()));
  return ask_libgit2(std::move(settings), repository, program.environment());
}

}  // namespace rtenv::pkg
