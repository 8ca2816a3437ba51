// The first steps of the `env` commands: read the runtime_env, put its directory into the cache,
// plan its environment.
#pragma once

#include "cli/job_inputs.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::cli {

struct EnvInputs {
  runtime_env::RuntimeEnv runtime_env;
  cache::Cache cache;
  std::optional<envbuild::LeasedPath> working_dir;
  std::optional<envbuild::EnvPlan> env;  // nullopt if the runtime_env names no packages
};

/// Fails: as JobInputs::runtime_env, prepare_working_dir, plan_env.
Result<EnvInputs> plan_inputs(const JobInputs& inputs, const envbuild::PrepareOptions& options,
                              const Tool& tool);

/// The error if a command needs an environment and the runtime_env has none.
Failure fail_no_packages();

}  // namespace rtenv::cli
