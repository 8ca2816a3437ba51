// Expands variables in the texts of a runtime_env: $NAME, ${NAME}, and $<NAME> for the working
// directory. As in Ray 2.60 (runtime_env/uv.py): NAME is [A-Za-z0-9_]+ in $NAME and any text in
// ${NAME}. Unknown names stay as written, and so do "$$", "${}" and an unclosed "${".
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

namespace rtenv::runtime_env {

inline constexpr std::string_view k_working_dir_variable = "RAY_RUNTIME_ENV_CREATE_WORKING_DIR";

/// Whether a job may name a local path. Fails: permission_denied.
using PathCheck = std::function<Result<void>(const Path&)>;

/// The variables of one job. Looked up in this order: the working directory's variable, the job's
/// env_vars, the node's environment. Never changes the environment of this process.
class Variables {
 public:
  /// `env_vars` as written: a value can refer to the working directory and to the node's variables,
  /// but not to other env_vars ("PATH": "${PATH}:/x" means the node's PATH). A variable whose value
  /// expands to nothing is left out.
  /// `check_path`: see check_path.
  Variables(std::optional<Path> working_dir, const std::map<std::string, std::string>& env_vars,
            Environment node, PathCheck check_path = {});
  /// The same, and a local path may be any: for what the node's own variables say.
  [[nodiscard]] Variables without_path_check() const;

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] const std::optional<Path>& working_dir() const noexcept { return working_dir_; }
  /// Whether a path is the working directory or below it.
  [[nodiscard]] bool in_working_dir(const Path& path) const;
  /// Of a local path that the job names: a sandboxed one mustn't name what it doesn't see, since
  /// rtenv reads it outside of the sandbox. Fails: permission_denied.
  [[nodiscard]] Result<void> check_path(const Path& path) const;
  [[nodiscard]] const Environment& node() const noexcept { return node_; }
  /// The job's env_vars, expanded.
  [[nodiscard]] const std::map<std::string, std::string>& env_vars() const noexcept {
    return env_vars_;
  }

 private:
  std::optional<Path> working_dir_;
  Environment node_;
  PathCheck check_path_;
  std::map<std::string, std::string> env_vars_;
};

std::string expand(std::string_view text, const Variables& variables);

/// The first variable that is still in an expanded text, as written: for messages.
std::optional<std::string> first_unexpanded(std::string_view expanded_text);

}  // namespace rtenv::runtime_env
