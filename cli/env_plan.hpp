// What the commands of `env` and their like begin with: the runtime_env read, its directory in the
// cache, its environment planned.
#pragma once

#include "cli/job_inputs.hpp"
#include "envbuild/virtual_env.hpp"

namespace rtenv::cli {

struct EnvInputs {
  runtime_env::RuntimeEnv runtime_env;
  cache::Cache cache;
  std::optional<envbuild::LeasedPath> working_dir;
  std::optional<envbuild::EnvPlan> env;  // nothing where the runtime_env names no packages
};

/// Fails: as JobInputs::runtime_env, prepare_working_dir, plan_env.
Result<EnvInputs> plan_inputs(const JobInputs& inputs, const envbuild::PrepareOptions& options,
                              const Tool& tool);

/// What is to be said where there is no environment.
Failure fail_no_packages();

}  // namespace rtenv::cli
