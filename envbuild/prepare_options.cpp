#include "envbuild/prepare_options.hpp"

#include "envbuild/fetch.hpp"
#include "runtime_env/expand.hpp"

namespace rtenv::envbuild {

Environment installer_environment(Environment settings, const PrepareOptions& options) {
  if (!options.offline) return settings;
  settings.set("UV_OFFLINE", "1");
  settings.set("PIP_NO_INDEX", "1");
  // pip and git have no such option for URLs: a proxy at which nothing can be, and no protocol.
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
                           "ALL_PROXY", "PIP_PROXY"})
    settings.set(name, "http://0.0.0.0:0");
  for (const char* name : {"no_proxy", "NO_PROXY"}) settings.set(name, "");
  settings.set("PIP_RETRIES", "0");
  settings.set("GIT_ALLOW_PROTOCOL", "file");
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
