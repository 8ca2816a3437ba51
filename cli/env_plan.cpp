#include "cli/env_plan.hpp"

#include "api/internals.hpp"

namespace rtenv::cli {

Result<EnvInputs> plan_inputs(const JobInputs& inputs, const envbuild::PrepareOptions& options,
                              const Tool& tool) {
  RTENV_TRY(const auto runtime_env, inputs.runtime_env(tool));
  RTENV_TRY(const Cache opened, inputs.open_cache(tool));
  cache::Cache cache = Internals::of(opened);
  RTENV_TRY(auto working_dir, envbuild::prepare_working_dir(runtime_env, cache, options));
  RTENV_TRY(auto env, envbuild::plan_env(runtime_env, working_dir, cache, options));
  return EnvInputs{runtime_env, std::move(cache), std::move(working_dir), std::move(env)};
}

Failure fail_no_packages() {
  return fail(Errc::invalid_argument, "the runtime_env names no packages: there is no environment");
}

}  // namespace rtenv::cli
