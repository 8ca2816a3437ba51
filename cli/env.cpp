#include <chrono>

#include "base/file.hpp"
#include "base/json_text.hpp"
#include "cli/env_plan.hpp"
#include "envbuild/lock.hpp"
#include "envbuild/py_modules.hpp"

namespace rtenv::cli {
namespace {

struct EnvCommand {
  JobInputs inputs;
  bool explain = false;
  std::string output = "rtenv.lock";

  [[nodiscard]] Result<int> build(const Tool& tool) const;
  [[nodiscard]] Result<int> key(const Tool& tool) const;
  [[nodiscard]] Result<int> check(const Tool& tool) const;
  [[nodiscard]] Result<int> lock(const Tool& tool) const;
};

// A build ahead of its job has nothing to do meanwhile; and who builds for others wants it sent.
Result<void> flush(cache::Cache& cache, const Tool& tool) {
  if (!cache.sends_later()) return {};
  auto flushed = cache.flush(tool.cancellation);
  if (flushed || flushed.error().code() == Errc::cancelled) return flushed;
  return {};  // told already
}

Result<int> EnvCommand::build(const Tool& tool) const {
  const auto begin = std::chrono::steady_clock::now();
  ProgressLine progress(tool);
  const auto options = inputs.prepare_options(tool, progress);
  RTENV_TRY(EnvInputs plan, plan_inputs(inputs, options, tool));
  // So that the job finds them, too.
  RTENV_TRY([[maybe_unused]] const auto modules,
            envbuild::prepare_py_modules(plan.runtime_env, plan.cache, options));
  if (!plan.env) {
    log::info("the runtime_env names no packages: there is no environment to build");
    if (tool.json) Tool::print_json({{"key", nullptr}, {"path", nullptr}, {"built", false}});
    return 0;
  }
  RTENV_TRY(const auto env, envbuild::prepare_env(*plan.env, plan.cache, options));
  RTENV_TRY(flush(plan.cache, tool));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  log::debug("environment {} {} in {:.3f} s", plan.env->key.digits, envbuild::name(env.origin),
             seconds.count());
  if (tool.json)
    Tool::print_json({{"key", plan.env->key.digits},
                      {"path", env.path().native()},
                      {"built", env.origin == envbuild::VirtualEnv::Origin::built},
                      {"origin", envbuild::name(env.origin)},
                      {"installer", runtime_env::name(plan.env->packages.installer)},
                      {"python", plan.env->interpreter.version},
                      {"seconds", seconds.count()}});
  else
    Tool::print_line(env.path().native());
  return 0;
}

Result<int> EnvCommand::key(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(const EnvInputs plan,
            plan_inputs(inputs, inputs.prepare_options(tool, progress), tool));
  progress.clear();
  if (!plan.env) return fail_no_packages();
  const auto& env_key = plan.env->key;
  if (tool.json) {
    nlohmann::json object{{"key", env_key.digits}};
    if (explain) object["parts"] = json_from_text(env_key.parts);
    Tool::print_json(object);
  } else {
    Tool::print_line(env_key.digits);
    if (explain) Tool::print_line(pretty_json_text(json_from_text(env_key.parts)));
  }
  return 0;
}

Result<int> EnvCommand::lock(const Tool& tool) const {
  ProgressLine progress(tool);
  const auto options = inputs.prepare_options(tool, progress);
  RTENV_TRY(EnvInputs plan, plan_inputs(inputs, options, tool));
  if (!plan.env) return fail_no_packages();
  RTENV_TRY(const std::string text,
            envbuild::make_lock(*plan.env, plan.working_dir, plan.cache, options));
  progress.clear();
  if (output == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
  }
  RTENV_TRY(AtomicFile file, AtomicFile::create(output));
  RTENV_TRY(file.write(text));
  RTENV_TRY(file.commit(Durability::process));
  if (tool.json)
    Tool::print_json({{"path", output}});
  else
    Tool::print_line(output);
  return 0;
}

Result<int> EnvCommand::check(const Tool& tool) const {
  RTENV_TRY(const auto runtime_env, inputs.runtime_env());
  RTENV_TRY(runtime_env::check_locations(runtime_env));
  if (tool.json)
    Tool::print_json({{"valid", true}});
  else
    log::info("nothing is wrong with it");
  return 0;
}

}  // namespace

void register_env(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<EnvCommand>();
  CLI::App* group = app.add_subcommand(
      "env", "Environments: build one ahead of its job, move it to another machine, say its key");
  group->require_subcommand(1);
  group->fallthrough();

  CLI::App* build = add_command(
      *group, tool, "build", "Build the environment, or find it in the cache, and print its path",
      "  rtenv env build -f runtime_env.yaml --working-dir .");
  state->inputs.declare(*build);
  state->inputs.declare_build(*build);
  build->callback([state, &tool] { tool.command = [state, &tool] { return state->build(tool); }; });

  CLI::App* key = add_command(*group, tool, "key",
                              "Print the environment's key: a digest of all that it is made from",
                              "  rtenv env key -f runtime_env.yaml --working-dir . --explain");
  state->inputs.declare(*key);
  key->add_option("--locked", state->inputs.lock, "With exactly what this lock says")
      ->type_name("LOCK");
  key->add_flag("--explain", state->explain, "Also print what the key is a digest of");
  key->callback([state, &tool] { tool.command = [state, &tool] { return state->key(tool); }; });

  CLI::App* lock =
      add_command(*group, tool, "lock",
                  "Write the exact versions and hashes that the packages resolve to (by uv)",
                  "  rtenv env lock -f runtime_env.yaml --working-dir . -o rtenv.lock\n"
                  "  rtenv env build -f runtime_env.yaml --working-dir . --locked rtenv.lock");
  state->inputs.declare(*lock);
  lock->add_option("-o,--output", state->output, "The file; - is standard output")
      ->capture_default_str()
      ->type_name("FILE");
  lock->callback([state, &tool] { tool.command = [state, &tool] { return state->lock(tool); }; });

  CLI::App* check =
      add_command(*group, tool, "check",
                  "Say what is wrong with a runtime_env, without fetching or building anything",
                  "  rtenv env check -f runtime_env.yaml --working-dir .");
  state->inputs.declare(*check);
  check->callback([state, &tool] { tool.command = [state, &tool] { return state->check(tool); }; });

  register_env_pack(*group, tool);
  register_env_list(*group, tool);
}

}  // namespace rtenv::cli
