// The options that describe a job's environment, shared by `env` and `run`: a runtime_env from a
// file or from the command line, and what overrides it.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "cli/input_kind.hpp"
#include "cli/progress.hpp"
#include "cli/tool.hpp"
#include "envbuild/working_dir.hpp"
#include "rtenv/environment.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::cli {

struct JobInputs {
  std::string file;
  std::string json;
  std::string working_dir;
  std::string python;
  bool inherit_site_packages = false;
  std::string lock;
  bool offline = false;
  bool no_cache = false;
  bool refresh = false;
  std::string max_age;
  std::string isolation;
  std::vector<std::string> env_vars;  // "NAME=value"

  LimitedOptions limited;  // of `env pull`: what names an environment by its content

  void declare(const Command& command);
  /// Without those that say which interpreter the environment is for.
  void declare_runtime_env(const Command& command);
  void declare_env_vars(const Command& command);
  /// The options that say how a missing environment is built.
  void declare_build(const Command& command);
  /// Fails: as load_runtime_env; invalid_argument (--env without '=').
  [[nodiscard]] Result<runtime_env::RuntimeEnv> runtime_env(const Tool& tool) const;
  /// The same for the functions of include/rtenv.
  [[nodiscard]] Result<RuntimeEnv> public_runtime_env(const Tool& tool) const;
  [[nodiscard]] Result<runtime_env::Interpreter> interpreter(const Tool& tool,
                                                             const cache::Cache& cache) const;
  /// With the remote tier, except with --offline or --no-cache.
  [[nodiscard]] Result<Cache> open_cache(const Tool& tool) const;
  /// `progress` must outlive the options. Fails: invalid_argument (--max-age).
  [[nodiscard]] Result<EnvOptions> env_options(const Tool& tool, ProgressLine& progress) const;
  /// The same for the functions of the layers.
  [[nodiscard]] Result<envbuild::PrepareOptions> prepare_options(const Tool& tool,
                                                                 ProgressLine& progress) const;

 private:
  [[nodiscard]] Result<Renewal> renewal() const;
};

}  // namespace rtenv::cli
