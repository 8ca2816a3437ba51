#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "api/internals.hpp"
#include "base/json_text.hpp"
#include "base/output_file.hpp"
#include "cli/commands.hpp"
#include "cli/env_plan.hpp"

namespace rtenv::cli {
namespace {

struct EnvCommand {
  JobInputs inputs;
  bool explain = false;
  std::string output = "rtenv.lock";

  [[nodiscard]] Result<EnvPlan> plan(const Tool& tool, ProgressLine& progress) const;
  [[nodiscard]] Result<int> build(const Tool& tool) const;
  [[nodiscard]] Result<int> key(const Tool& tool) const;
  [[nodiscard]] Result<int> check(const Tool& tool) const;
  [[nodiscard]] Result<int> lock(const Tool& tool) const;
};

// Finishes background uploads to the remote tier: a command that only builds an environment has
// nothing else to do, and other machines may be waiting for it.
Result<void> flush(Cache& cache, const Tool& tool) {
  if (!Internals::of(cache).sends_later()) return {};
  auto flushed = cache.flush(tool.stop);
  if (flushed || flushed.error().code() == Errc::cancelled) return flushed;
  return {};  // reported as a warning by the cache
}

Result<int> EnvCommand::build(const Tool& tool) const {
  const auto begin = std::chrono::steady_clock::now();
  ProgressLine progress(tool);
  RTENV_TRY(const auto options, inputs.env_options(tool, progress));
  RTENV_TRY(const RuntimeEnv runtime_env, inputs.public_runtime_env(tool));
  RTENV_TRY(Cache cache, inputs.open_cache(tool));
  RTENV_TRY(auto plan, plan_env(runtime_env, cache, options));
  RTENV_TRY(fetch_py_modules(runtime_env, cache, options));
  if (!plan) {
    log::info("the runtime_env names no packages: there is no environment to build");
    tool.output.print_json({{"key", nullptr}, {"path", nullptr}, {"built", false}});
    return 0;
  }
  RTENV_TRY(const BuiltEnv env, plan->build());
  RTENV_TRY(flush(cache, tool));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  log::debug("environment {} {} in {:.3f} s", env.key, name(env.origin), seconds.count());
  const std::string& path = env.lease.path().native();
  tool.output.print({{"key", env.key},
                     {"entry", env.lease.key()},
                     {"path", path},
                     {"built", env.origin == BuiltEnv::Origin::built},
                     {"origin", name(env.origin)},
                     {"installer", plan->installer()},
                     {"python", plan->python_version()},
                     {"seconds", seconds.count()}},
                    path);
  return 0;
}

Result<EnvPlan> EnvCommand::plan(const Tool& tool, ProgressLine& progress) const {
  RTENV_TRY(const auto options, inputs.env_options(tool, progress));
  RTENV_TRY(const RuntimeEnv runtime_env, inputs.public_runtime_env(tool));
  RTENV_TRY(Cache cache, inputs.open_cache(tool));
  RTENV_TRY(auto plan, plan_env(runtime_env, cache, options));
  if (!plan) return fail_no_packages();
  return std::move(*plan);
}

Result<int> EnvCommand::key(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(const EnvPlan planned, plan(tool, progress));
  progress.clear();
  nlohmann::json object{{"key", planned.key()}};
  if (explain) object["parts"] = json_from_text(planned.key_parts());
  tool.output.print(object, [&] {
    print_line(planned.key());
    if (explain) print_line(pretty_json_text(object["parts"]));
  });
  return 0;
}

Result<int> EnvCommand::lock(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(EnvPlan planned, plan(tool, progress));
  RTENV_TRY(const std::string text, planned.lock());
  progress.clear();
  if (output == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  RTENV_TRY(OutputFile file, OutputFile::create(output, tool.cancellation));
  RTENV_TRY(file.write(text));
  RTENV_TRY(file.commit());
  tool.output.print({{"path", output}}, output);
  return 0;
}

Result<int> EnvCommand::check(const Tool& tool) const {
  RTENV_TRY(const auto runtime_env, inputs.runtime_env(tool));
  RTENV_TRY(runtime_env::check_locations(runtime_env));
  tool.output.print({{"valid", true}}, [] { log::info("the runtime_env is valid"); });
  return 0;
}

}  // namespace

void register_env(const Command& root, Tool& tool) {
  auto state = std::make_shared<EnvCommand>();
  const Command group =
      root.add_group("env", "Build environments in advance; list, lock and transfer them");

  const Command build = add_command(
      group, tool, "build", "Build the environment, or find it in the cache, and print its path",
      "  rtenv env build -f runtime_env.yaml --working-dir .");
  state->inputs.declare(build);
  state->inputs.declare_build(build);
  build.set_action([state, &tool] { return state->build(tool); });

  const Command key = add_command(
      group, tool, "key", "Print the environment's key: a digest of everything it is built from",
      "  rtenv env key -f runtime_env.yaml --working-dir . --explain");
  state->inputs.declare(key);
  key.add_option("--locked", state->inputs.lock, "Use exactly the packages of this lock file")
      .value_name("LOCK");
  key.add_flag("--explain", state->explain, "Also print the values that determine the key");
  key.set_action([state, &tool] { return state->key(tool); });

  const Command lock =
      add_command(group, tool, "lock",
                  "Write the exact versions and hashes that the packages resolve to (by uv)",
                  "  rtenv env lock -f runtime_env.yaml --working-dir . -o rtenv.lock\n"
                  "  rtenv env build -f runtime_env.yaml --working-dir . --locked rtenv.lock");
  state->inputs.declare(lock);
  lock.add_option("-o,--output", state->output, "The file; - is standard output")
      .show_default()
      .value_name("FILE");
  lock.set_action([state, &tool] { return state->lock(tool); });

  const Command check = add_command(group, tool, "check",
                                    "Validate a runtime_env without fetching or building anything",
                                    "  rtenv env check -f runtime_env.yaml --working-dir .");
  state->inputs.declare_runtime_env(check);
  check.set_action([state, &tool] { return state->check(tool); });

  register_env_pack(group, tool);
  register_env_list(group, tool);
  register_env_why(group, tool);
}

}  // namespace rtenv::cli
