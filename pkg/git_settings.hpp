// The settings of git that decide what it ignores: core.excludesFile and core.ignoreCase. They come
// from the files that git reads and the variables that it knows (git-config(1)), from the weakest:
// the system's file, the user's, the repository's, that of the work tree, GIT_CONFIG_COUNT.
// libgit2 1.5 knows neither the variables nor the file of the work tree.
#pragma once

#include <optional>
#include <string>

#include "base/environment.hpp"
#include "pkg/git_repository.hpp"

namespace rtenv::pkg {

/// What the environment says of git's settings.
struct GitVariables {
  std::optional<std::string> no_system;  // GIT_CONFIG_NOSYSTEM
  std::optional<Path> system_file;       // GIT_CONFIG_SYSTEM
  std::optional<Path> global_file;       // GIT_CONFIG_GLOBAL, instead of both of the user's
  std::optional<std::string> count;      // GIT_CONFIG_COUNT
  Environment pairs;                     // GIT_CONFIG_KEY_n and GIT_CONFIG_VALUE_n
  /// The user's file of rules if core.excludesFile isn't set.
  std::optional<Path> default_excludes;

  static GitVariables of(const Environment& environment);
};

struct GitSettings {
  std::optional<Path> excludes_file;  // it may be missing; relative to the work tree
  bool ignore_case = false;

  /// Fails: invalid_argument (a variable), corrupt (a file of settings).
  static Result<GitSettings> read(const GitRepository& repository, const GitVariables& variables);
};

}  // namespace rtenv::pkg
