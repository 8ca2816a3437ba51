// Expands variables in the texts of a runtime_env: $NAME, ${NAME}, and $<NAME> for the working
// directory. As in Ray 2.60 (runtime_env/uv.py): a NAME of $NAME is [A-Za-z0-9_]+, what stands in
// ${…} is taken as it is; unknown names stay as written, and so do "$$", "${" without an end and
// "${}".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::runtime_env {

inline constexpr std::string_view k_working_dir_variable = "RAY_RUNTIME_ENV_CREATE_WORKING_DIR";

/// Where values come from, the first that has one: the working directory, the job's env_vars, the
/// node's environment. A value of its own for each job: the process's environment is never changed.
class Variables {
 public:
  /// `env_vars` as written: a value sees the working directory and the node's variables, not its
  /// siblings
  /// ("PATH": "${PATH}:/x" means the node's PATH); what comes out empty is absent.
  Variables(std::optional<Path> working_dir, const std::map<std::string, std::string>& env_vars,
            Environment node);

  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] const std::optional<Path>& working_dir() const noexcept { return working_dir_; }
  [[nodiscard]] const Environment& node() const noexcept { return node_; }
  /// Expanded.
  [[nodiscard]] const std::map<std::string, std::string>& env_vars() const noexcept {
    return env_vars_;
  }

 private:
  std::optional<Path> working_dir_;
  Environment node_;
  std::map<std::string, std::string> env_vars_;
};

std::string expand(std::string_view text, const Variables& variables);

/// The first variable in the text that stayed as written, for messages.
std::optional<std::string> first_unexpanded(std::string_view expanded_text);

}  // namespace rtenv::runtime_env
