// The settings of git that decide what it ignores: core.excludesFile and core.ignoreCase. git
// itself is asked for them, if it is installed; else libgit2, which knows less: what it doesn't
// know is an error. See decision 25.
#pragma once

#include <optional>

#include "pkg/git_repository.hpp"

namespace rtenv::pkg {

struct GitSettings {
  /// The user's own file of rules. It may be missing; relative to the work tree.
  std::optional<Path> excludes_file;
  bool ignore_case = false;

  /// Requires: the repository has a work tree. Fails: invalid_argument (a setting that git can't
  /// use, too), not_found (only git can read it, and it isn't installed); as GitProgram::ask.
  static Result<GitSettings> read(const GitRepository& repository, const GitProgram& program);
};

}  // namespace rtenv::pkg
