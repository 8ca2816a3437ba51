#include "envbuild/prepare_options.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

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

namespace {

// Variables that are what they say. All others may name files, programs and servers to which this
// process, outside of the job's sandbox, would give what the job mustn't see.
constexpr std::array<std::string_view, 18> k_plain_variables{"AWS_ACCESS_KEY_ID",
                                                             "AWS_SECRET_ACCESS_KEY",
                                                             "AWS_SESSION_TOKEN",
                                                             "AWS_REGION",
                                                             "AWS_DEFAULT_REGION",
                                                             "AWS_ENDPOINT_URL",
                                                             "AWS_ENDPOINT_URL_S3",
                                                             "AZURE_STORAGE_CONNECTION_STRING",
                                                             "AZURE_STORAGE_ACCOUNT",
                                                             "AZURE_STORAGE_KEY",
                                                             "AZURE_STORAGE_SAS_TOKEN",
                                                             "RAY_RUNTIME_ENV_BEARER_TOKEN",
                                                             "RAY_RUNTIME_ENV_HTTP_USER_AGENT",
                                                             "RTENV_NETWORK_TIMEOUT",
                                                             "RTENV_NETWORK_MIN_RATE",
                                                             "RTENV_NETWORK_DEADLINE",
                                                             "STORAGE_EMULATOR_HOST",
                                                             "AWS_EC2_METADATA_DISABLED"};

std::map<std::string, std::string> plain_variables(std::map<std::string, std::string> variables) {
  std::erase_if(variables, [](const auto& variable) {
    return std::ranges::find(k_plain_variables, variable.first) == k_plain_variables.end();
  });
  return variables;
}

}  // namespace

runtime_env::PathCheck visible_paths(const PrepareOptions& options) {
  if (!options.sandbox) return {};
  return [folders = *options.sandbox](const Path& path) -> Result<void> {
    if (!is_hidden_in_sandbox(path, folders)) return {};
    return fail(Errc::permission_denied, "{} isn't visible in this server's sandbox", path.native())
        .hint("put it into the working_dir; whoever runs the server can show it to jobs");
  };
}

FetchOptions fetch_options(const runtime_env::RuntimeEnv& runtime_env,
                           const PrepareOptions& options) {
  const runtime_env::Variables variables(std::nullopt, runtime_env.env_vars, options.node);
  return {.store = {.environment = options.node,
                    .job_variables = options.sandbox ? plain_variables(variables.env_vars())
                                                     : variables.env_vars(),
                    .credentials = options.credentials,
                    .cancellation = options.cancellation},
          .on_progress = options.on_progress,
          .threads = options.threads,
          .offline = options.offline,
          .check_path = visible_paths(options)};
}

}  // namespace rtenv::envbuild
