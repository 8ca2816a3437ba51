#include "envbuild/prepare_options.hpp"

#include "envbuild/fetch.hpp"
#include "runtime_env/expand.hpp"

namespace rtenv::envbuild {

Environment installer_environment(Environment settings, const PrepareOptions& options) {
  if (options.offline) settings.set("UV_OFFLINE", "1");
  if (options.offline) settings.set("PIP_NO_INDEX", "1");
  return settings;
}

FetchOptions fetch_options(const runtime_env::RuntimeEnv& runtime_env,
                           const PrepareOptions& options) {
  const runtime_env::Variables variables(std::nullopt, runtime_env.env_vars, options.node);
  return {.store = {.environment = options.node,
                    .job_variables = variables.env_vars(),
                    .credentials = options.credentials,
                    .cancellation = options.cancellation},
          .on_progress = options.on_progress,
          .threads = options.threads,
          .offline = options.offline};
}

}  // namespace rtenv::envbuild
