#include <chrono>

#include "base/file.hpp"
#include "cli/job_inputs.hpp"
#include "envbuild/expand.hpp"
#include "envbuild/py_modules.hpp"
#include "envbuild/virtual_env.hpp"
#include "job/activation.hpp"
#include "job/foreground.hpp"

namespace rtenv::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int k_not_found_status = 127;  // as a shell has it
constexpr int k_not_executable_status = 126;

struct RunCommand {
  JobInputs inputs;
  bool keep = false;
  std::vector<std::string> argv;

  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

// The job's own copy of its files: it may write into it without changing what the next job gets.
struct JobFolder {
  TempDir folder;
  Path working_dir;
};

Result<JobFolder> make_job_folder(cache::Cache& cache, const envbuild::WorkingDir& source, bool keep) {
  // One that is kept must not be swept with the cache's own temporary folders.
  auto made = keep ? TempDir::create() : cache.make_temp_dir();
  if (!made) return Failure(std::move(made).error());
  Path working_dir = made->path() / "working_dir";
  RTENV_TRY(clone_tree(source.path, working_dir));
  return JobFolder{std::move(*made), std::move(working_dir)};
}

std::vector<Path> folders_of(const std::vector<envbuild::PyModule>& modules) {
  std::vector<Path> folders;
  folders.reserve(modules.size());
  for (const auto& module : modules) folders.push_back(module.folder);
  return folders;
}

// One for all of this process's leases; nothing where it holds none.
std::optional<int> holder_fd(const std::optional<envbuild::VirtualEnv>& env,
                             const std::optional<envbuild::WorkingDir>& source,
                             const std::vector<envbuild::PyModule>& modules) {
  if (env) return env->lease.lock_fd();
  if (source && source->lease) return source->lease->lock_fd();
  for (const auto& module : modules)
    if (module.lease) return module.lease->lock_fd();
  return std::nullopt;
}

Result<int> RunCommand::run(const Tool& tool) const {
  const auto begin = Clock::now();
  ProgressLine progress(tool);
  const auto options = inputs.prepare_options(tool, progress);
  RTENV_TRY(const auto runtime_env, inputs.runtime_env());
  RTENV_TRY(auto cache, tool.open_cache_with_tier());
  RTENV_TRY(const auto source, envbuild::prepare_working_dir(runtime_env, cache, options));
  RTENV_TRY(const auto modules, envbuild::prepare_py_modules(runtime_env, cache, options));
  RTENV_TRY(const auto plan, envbuild::plan_env(runtime_env, source, cache, options));
  std::optional<envbuild::VirtualEnv> env;
  if (plan) {
    RTENV_TRY(env, envbuild::prepare_env(*plan, cache, options));
  }

  progress.clear();

  std::optional<JobFolder> job_folder;
  std::optional<Path> working_dir;
  if (source && source->lease) {
    RTENV_TRY(job_folder, make_job_folder(cache, *source, keep));
    working_dir = job_folder->working_dir;
  } else if (source) {
    working_dir = source->path;
  }
  const envbuild::Variables variables(working_dir, runtime_env.env_vars, tool.environment);
  job::Command command{.argv = argv,
                       .environment = job::activate({.node = tool.environment,
                                                     .env_vars = variables.env_vars(),
                                                     .working_dir = working_dir,
                                                     .py_modules = folders_of(modules),
                                                     .virtual_env = env ? std::optional(env->path()) : std::nullopt}),
                       .working_dir = working_dir.value_or(Path())};
  // If this process is killed, the job goes on: then it is the job that holds its environment and its folder.
  if (const auto lock_fd = holder_fd(env, source, modules)) command.keep_fds.push_back(*lock_fd);
  const std::chrono::duration<double, std::milli> prepared = Clock::now() - begin;
  log::debug("prepared in {:.1f} ms{}", prepared.count(),
             env && env->origin == envbuild::VirtualEnv::Origin::built ? ", the environment built" : "");

  const auto state = job::run_in_foreground(command);
  if (job_folder && keep)
    log::info("the job's directory is kept: {}", (job_folder->folder.release() / "working_dir").native());
  if (!state) {
    const Errc code = state.error().code();
    if (code != Errc::not_found && code != Errc::permission_denied) return Failure(state.error());
    fmt::print(stderr, "rtenv: error: {}\n", state.error().message());
    return code == Errc::not_found ? k_not_found_status : k_not_executable_status;
  }
  return state->shell_status();
}

}  // namespace

void register_run(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<RunCommand>();
  CLI::App* command =
      add_command(app, tool, "run", "Run a command in its directory and environment; ends with the command's exit code",
                  "  rtenv run -f runtime_env.yaml --working-dir . -- python main.py");
  state->inputs.declare(*command);
  state->inputs.declare_env_vars(*command);
  command->add_flag("--keep", state->keep, "Keep the job's own copy of its directory and say where it is");
  command->add_option("COMMAND", state->argv, "The command and its arguments, after --")->required();
  command->positionals_at_end();
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
