// Expands variables in the texts of a runtime_env: $NAME, ${NAME}, and $<NAME> for the working
// directory. As in Ray 2.60 (runtime_env/uv.py): NAME is [A-Za-z0-9_]+ in $NAME and any text in
// ${NAME}. Unknown names stay as written, and so do "$$", "${}" and an unclosed "${".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::runtime_env {

inline constexpr std::string_view k_working_dir_variable = "RAY_RUNTIME_ENV_CREATE_WORKING_DIR";

/// The variables of one job. Looked up in this order: the working directory's variable, the job's
/// env_vars, the node's environment. Never changes the environment of this process.
class Variables {
 public:
  /// `env_vars` as written: a value can refer to the working directory and to the node's variables,
  /// but not to other env_vars ("PATH": "${PATH}:/x" means the node's PATH). A variable whose value
  /// expands to nothing is left out.
  Variables(std::optional<Path> working_dir, const std::map<std::string, std::string>& env_vars,
            Environment node);

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] const std::optional<Path>& working_dir() const noexcept { return working_dir_; }
  /// Whether a path is the working directory or below it.
  [[nodiscard]] bool in_working_dir(const Path& path) const;
  [[nodiscard]] const Environment& node() const noexcept { return node_; }
  /// The job's env_vars, expanded.
  [[nodiscard]] const std::map<std::string, std::string>& env_vars() const noexcept {
    return env_vars_;
  }

 private:
  std::optional<Path> working_dir_;
  Environment node_;
  std::map<std::string, std::string> env_vars_;
};

std::string expand(std::string_view text, const Variables& variables);

/// The first variable that is still in an expanded text, as written: for messages.
std::optional<std::string> first_unexpanded(std::string_view expanded_text);

}  // namespace rtenv::runtime_env
