#include "cli/job_inputs.hpp"

#include <nlohmann/json.hpp>

#include "api/environment.hpp"
#include "api/internals.hpp"
#include "base/duration.hpp"
#include "base/processors.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv::cli {

void JobInputs::declare_runtime_env(const Command& command) {
  const Option from_file =
      command.add_option("-f,--runtime-env", file, "The runtime_env: a YAML or JSON file")
          .value_name("FILE");
  const Option from_json =
      command.add_option("--runtime-env-json", json, "The runtime_env as JSON text")
          .value_name("JSON")
          .excludes(from_file);
  const Option directory =
      command
          .add_option("--working-dir", working_dir,
                      "The job's directory or archive; overrides the runtime_env's")
          .value_name("DIR|FILE");
  for (const Option& option : {from_file, from_json, directory})
    limited.add(option, {InputKind::env_prefix});
}

void JobInputs::declare(const Command& command) {
  declare_runtime_env(command);
  command
      .add_option("--python", python,
                  "The interpreter: a path, a name, or a version [RTENV_PYTHON; python3]")
      .value_name("PY");
  limited.add(command.add_flag("--inherit-site-packages", inherit_site_packages,
                               "The environment also sees the interpreter's own packages, as in "
                               "Ray [config.inherit_site_packages]"),
              {InputKind::env_prefix});
}

void JobInputs::declare_build(const Command& command) {
  command
      .add_option("--locked", lock,
                  "Install exactly the packages of this lock file (rtenv env lock), or fail")
      .value_name("LOCK");
  const Option offline_flag =
      command.add_flag("--offline", offline,
                       "Use neither the network nor the remote tier: install from the caches, or "
                       "fail; --max-age is ignored");
  const Option no_cache_flag =
      command.add_flag("--no-cache", no_cache,
                       "Rebuild the environment even if it is cached, and without uv's cache");
  const Option refresh_flag =
      command
          .add_flag("--refresh", refresh,
                    "Look again at what isn't pinned (names without ==, branches, lists on "
                    "servers), and build the environment anew")
          .excludes(offline_flag)
          .excludes(no_cache_flag);
  command
      .add_option("--max-age", max_age,
                  "Like --refresh, if the environment is older; if it can't be built, it is used "
                  "all the same")
      .value_name("TIME")
      .excludes(refresh_flag)
      .excludes(no_cache_flag);
}

void JobInputs::declare_env_vars(const Command& command) {
  command.add_option("--env", env_vars, "An environment variable for the job (repeatable)")
      .value_name("NAME=VALUE")
      .one_value_each();
  command
      .add_option("--isolation", isolation,
                  "Which environment the job gets: shared, a read-only one for all jobs; clone, a "
                  "private copy "
                  "[config.isolation; shared]")
      .one_of({"shared", "clone"});
}

Result<runtime_env::RuntimeEnv> JobInputs::runtime_env(const Tool& tool) const {
  runtime_env::RuntimeEnv result;
  if (!file.empty()) {
    RTENV_TRY(result, runtime_env::load_runtime_env(file, tool.cancellation));
  } else if (!json.empty()) {
    RTENV_TRY(const auto value, runtime_env::parse_json(json, "--runtime-env-json"));
    RTENV_TRY(result, runtime_env::parse_runtime_env(value));
  }
  if (!working_dir.empty()) result.working_dir = working_dir;
  if (inherit_site_packages) result.inherit_site_packages = true;
  if (isolation == "clone") result.isolation = runtime_env::Isolation::clone;
  if (isolation == "shared") result.isolation = runtime_env::Isolation::shared;
  for (const std::string& text : env_vars) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::invalid_argument, "--env expects NAME=VALUE, got '{}'",
                  text.substr(0, equals));
    result.env_vars.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

Result<RuntimeEnv> JobInputs::public_runtime_env(const Tool& tool) const {
  RTENV_TRY(auto value, runtime_env(tool));
  return Internals::runtime_env(std::move(value));
}

Result<runtime_env::Interpreter> JobInputs::interpreter(const Tool& tool,
                                                        const cache::Cache& cache) const {
  return runtime_env::find_interpreter(python.empty() ? std::nullopt : std::optional(python),
                                       tool.environment, cache.root() / "interpreters",
                                       tool.cancellation);
}

Result<Cache> JobInputs::open_cache(const Tool& tool) const {
  return tool.open_cache({.no_remote = offline || no_cache});
}

Result<Renewal> JobInputs::renewal() const {
  using Of = Renewal::Of;
  if (no_cache) return Renewal{.of = Of::all};
  if (refresh) return Renewal{.of = Of::unpinned};
  if (max_age.empty()) return Renewal();
  RTENV_TRY(const auto age, parse_duration(max_age));
  return Renewal{.of = Of::aged, .max_age = age};
}

Result<EnvOptions> JobInputs::env_options(const Tool& tool, ProgressLine& progress) const {
  auto options = tool.options<EnvOptions>(progress.on_progress());
  if (!python.empty()) options.python = python;
  if (!lock.empty()) options.lock = lock;
  options.offline = offline;
  RTENV_TRY(options.renewal, renewal());
  if (tool.verbose) options.on_output = print_to_stderr;
  return options;
}

Result<envbuild::PrepareOptions> JobInputs::prepare_options(const Tool& tool,
                                                            ProgressLine& progress) const {
  RTENV_TRY(const auto options, env_options(tool, progress));
  RTENV_TRY(const auto chosen_renewal, api::renewal_of(options));
  return envbuild::PrepareOptions{.node = tool.environment,
                                  .python = options.python,
                                  .threads = default_threads(),
                                  .cancellation = tool.cancellation,
                                  .on_output = options.on_output,
                                  .lock = options.lock,
                                  .offline = offline,
                                  .renewal = chosen_renewal,
                                  .on_progress = progress.callback()};
}

}  // namespace rtenv::cli
