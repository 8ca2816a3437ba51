// The git program: what git itself says of its settings and of whom it trusts. It may be missing.
// Only commands that run nothing which the repository names are meant to be asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/environment.hpp"

namespace rtenv::pkg {

/// Immutable, safe to share between threads.
class GitProgram {
 public:
  /// The git in PATH, with this environment. `cancellation` may be null.
  explicit GitProgram(Environment environment, const Cancellation* cancellation = nullptr);

  [[nodiscard]] bool exists() const noexcept { return path_.has_value(); }
  /// Without the variables that lead git to another repository than that of the folder.
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return cancellation_; }

  struct Answer {
    int exit_code = 0;
    std::string output;
    std::string errors;  // on one line, for messages
  };
  /// Runs `git -C folder arguments…`. Requires: exists(). Fails: cancelled, unavailable (too many
  /// processes or descriptors).
  [[nodiscard]] Result<Answer> ask(const Path& folder, std::vector<std::string> arguments) const;

 private:
  Environment environment_;
  const Cancellation* cancellation_;
  std::optional<std::string> path_;
};

/// The error for what only git itself can find out. Code: not_found.
Failure needs_git_program(std::string_view what);

}  // namespace rtenv::pkg
