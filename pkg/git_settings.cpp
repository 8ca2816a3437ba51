#include "pkg/git_settings.hpp"

#include "base/decimal.hpp"
#include "base/encoding.hpp"

namespace rtenv::pkg {
namespace {

constexpr const char* k_excludes_file = "core.excludesfile";
constexpr const char* k_ignore_case = "core.ignorecase";
// libgit2 1.5 has none of its own for the file of the work tree, which is stronger than the local.
constexpr git_config_level_t k_level_work_tree = GIT_CONFIG_LEVEL_APP;

using FindFile = int (*)(git_buf*);

class Reader {
 public:
  Reader(const GitRepository& repository, const GitVariables& variables)
      : repository_(repository),
        git_(repository.git()),
        variables_(variables),
        config_(nullptr, git_.config_free) {}

  Result<GitSettings> run() {
    RTENV_TRY(open());
    GitSettings settings{.excludes_file = variables_.default_excludes};
    git_buf path{};
    if (git_.config_get_path(&path, config_.get(), k_excludes_file) == 0)
      settings.excludes_file = taken_path(path);
    int ignore_case = 0;
    const int found = git_.config_get_bool(&ignore_case, config_.get(), k_ignore_case);
    if (found != 0 && found != GIT_ENOTFOUND)
      return repository_.failed(Errc::corrupt, "cannot read git's setting core.ignoreCase");
    settings.ignore_case = ignore_case != 0;
    RTENV_TRY(apply_pairs(settings));
    return settings;
  }

 private:
  // An empty one means no file.
  std::optional<Path> taken_path(git_buf& buffer) const {
    Path path(std::string(buffer.ptr, buffer.size));
    git_.buf_dispose(&buffer);
    return path.empty() ? std::nullopt : std::optional(std::move(path));
  }

  Result<bool> parse_bool(std::string_view name, const std::string& text) const {
    int value = 0;
    if (git_.config_parse_bool(&value, text.c_str()) != 0)
      return fail(Errc::invalid_argument, "{} is '{}', which git doesn't take for true or false",
                  name, text)
          .hint("true or false");
    return value != 0;
  }

  Result<void> add(const Path& file, git_config_level_t level) {
    if (file.empty()) return {};
    if (git_.config_add_file_ondisk(config_.get(), file.c_str(), level, repository_.get(), 1) != 0)
      return repository_.failed(Errc::corrupt,
                                fmt::format("cannot read git's settings in {}", file.native()));
    return {};
  }

  // The file that libgit2 finds, if there is one.
  Result<void> add_found(FindFile find, git_config_level_t level) {
    git_buf buffer{};
    if (find(&buffer) != 0) return {};
    return add(taken_path(buffer).value_or(Path()), level);
  }

  Result<void> open() {
    git_config* config = nullptr;
    if (git_.config_new(&config) != 0)
      return repository_.failed(Errc::corrupt, "cannot read the settings of git");
    config_.reset(config);
    const auto& no_system = variables_.no_system;
    RTENV_TRY(const bool skips_system,
              no_system ? parse_bool("GIT_CONFIG_NOSYSTEM", *no_system) : Result<bool>(false));
    if (!skips_system)
      RTENV_TRY(variables_.system_file
                    ? add(*variables_.system_file, GIT_CONFIG_LEVEL_SYSTEM)
                    : add_found(git_.config_find_system, GIT_CONFIG_LEVEL_SYSTEM));
    if (variables_.global_file) {
      RTENV_TRY(add(*variables_.global_file, GIT_CONFIG_LEVEL_GLOBAL));
    } else {
      RTENV_TRY(add_found(git_.config_find_xdg, GIT_CONFIG_LEVEL_XDG));
      RTENV_TRY(add_found(git_.config_find_global, GIT_CONFIG_LEVEL_GLOBAL));
    }
    const Path common = git_.repository_commondir(repository_.get());
    RTENV_TRY(add(common / "config", GIT_CONFIG_LEVEL_LOCAL));
    int has_work_tree_file = 0;
    if (git_.config_get_bool(&has_work_tree_file, config_.get(), "extensions.worktreeconfig") ==
            0 &&
        has_work_tree_file != 0)
      RTENV_TRY(add(Path(git_.repository_path(repository_.get())) / "config.worktree",
                    k_level_work_tree));
    return {};
  }

  Result<std::string> pair_part(std::string_view part, std::uint64_t n) const {
    const std::string name = fmt::format("GIT_CONFIG_{}_{}", part, n);
    const auto value = variables_.pairs.find(name);
    if (!value)
      return fail(Errc::invalid_argument, "GIT_CONFIG_COUNT is {}, but {} isn't set",
                  *variables_.count, name)
          .hint("set it, or unset GIT_CONFIG_COUNT");
    return std::string(*value);
  }

  Result<void> apply_pairs(GitSettings& settings) const {
    if (!variables_.count || variables_.count->empty()) return {};
    const std::string& text = *variables_.count;
    const auto count = parse_decimal(text);
    if (!count)
      return fail(Errc::invalid_argument, "GIT_CONFIG_COUNT is '{}', not a number", text)
          .hint("the number of GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n, or unset it");
    for (std::uint64_t n = 0; n < *count; ++n) {
      RTENV_TRY(const std::string key, pair_part("KEY", n));
      RTENV_TRY(const std::string value, pair_part("VALUE", n));
      if (lower_ascii(key) == k_ignore_case) {
        RTENV_TRY(settings.ignore_case, parse_bool(key, value));
      } else if (lower_ascii(key) == k_excludes_file) {
        git_buf path{};
        if (git_.config_parse_path(&path, value.c_str()) != 0)
          return repository_.failed(Errc::invalid_argument,
                                    fmt::format("'{}' isn't a path for {}", value, key));
        settings.excludes_file = taken_path(path);
      }
    }
    return {};
  }

  const GitRepository& repository_;
  const GitLibrary& git_;
  const GitVariables& variables_;
  GitOwned<git_config> config_;
};

std::optional<Path> default_excludes(const Environment& environment) {
  if (const auto config = environment.find_filled("XDG_CONFIG_HOME"))
    return Path(*config) / "git/ignore";
  if (const auto home = environment.find_filled("HOME")) return Path(*home) / ".config/git/ignore";
  return std::nullopt;
}

}  // namespace

GitVariables GitVariables::of(const Environment& environment) {
  GitVariables variables{.no_system = {},
                         .system_file = {},
                         .global_file = {},
                         .count = {},
                         .pairs = {},
                         .default_excludes = pkg::default_excludes(environment)};
  for (const auto& [name, value] : environment.values()) {
    if (name == "GIT_CONFIG_NOSYSTEM") variables.no_system = value;
    if (name == "GIT_CONFIG_SYSTEM") variables.system_file = value;
    if (name == "GIT_CONFIG_GLOBAL") variables.global_file = value;
    if (name == "GIT_CONFIG_COUNT") variables.count = value;
    if (name.starts_with("GIT_CONFIG_KEY_") || name.starts_with("GIT_CONFIG_VALUE_"))
      variables.pairs.set(name, value);
  }
  return variables;
}

Result<GitSettings> GitSettings::read(const GitRepository& repository,
                                      const GitVariables& variables) {
  return Reader(repository, variables).run();
}

}  // namespace rtenv::pkg
