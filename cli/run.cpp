#include <chrono>

#include "base/file.hpp"
#include "cli/job_inputs.hpp"
#include "envbuild/env_pack.hpp"
#include "envbuild/expand.hpp"
#include "envbuild/py_modules.hpp"
#include "envbuild/virtual_env.hpp"
#include "job/activation.hpp"
#include "job/foreground.hpp"
#include "job/python_programs.hpp"

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

// What is the job's own: it may write into it without changing what the next job gets.
class JobFolder {
 public:
  JobFolder(cache::Cache& cache, bool keep) : cache_(cache), keep_(keep) {}

  Result<Path> copy_working_dir(const Path& source) {
    RTENV_TRY(const Path folder, path());
    RTENV_TRY(clone_tree(source, folder / "working_dir"));
    return folder / "working_dir";
  }
  Result<Path> copy_env(const Path& env, const envbuild::Interpreter& interpreter) {
    RTENV_TRY(const Path folder, path());
    RTENV_TRY(envbuild::clone_env(env, folder / "env", interpreter));
    return folder / "env";
  }
  /// A folder for PATH, where `python` is what py_executable says.
  Result<Path> make_programs(const std::string& py_executable) {
    RTENV_TRY(const Path folder, path());
    const Path programs = folder / "bin";
    RTENV_TRY(job::write_python_programs(programs, py_executable));
    return programs;
  }
  void say_where_it_is() {
    if (folder_ && keep_) log::info("the job's directory is kept: {}", (folder_->release() / "working_dir").native());
  }

 private:
  Result<Path> path() {
    if (!folder_) {
      // One that is kept must not be swept with the cache's own temporary folders.
      auto made = keep_ ? TempDir::create() : cache_.make_temp_dir();
      if (!made) return Failure(std::move(made).error());
      folder_.emplace(std::move(*made));
    }
    return folder_->path();
  }

  cache::Cache& cache_;
  bool keep_;
  std::optional<TempDir> folder_;
};

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
  RTENV_TRY(auto cache, inputs.open_cache(tool));
  RTENV_TRY(const auto source, envbuild::prepare_working_dir(runtime_env, cache, options));
  RTENV_TRY(const auto modules, envbuild::prepare_py_modules(runtime_env, cache, options));
  RTENV_TRY(const auto plan, envbuild::plan_env(runtime_env, source, cache, options));
  std::optional<envbuild::VirtualEnv> env;
  if (plan) {
    RTENV_TRY(env, envbuild::prepare_env(*plan, cache, options));
  }

  progress.clear();

  JobFolder job_folder(cache, keep);
  std::optional<Path> working_dir;
  if (source && source->lease) {
    RTENV_TRY(working_dir, job_folder.copy_working_dir(source->path));
  } else if (source) {
    working_dir = source->path;
  }
  const envbuild::Variables variables(working_dir, runtime_env.env_vars, tool.environment);
  std::optional<Path> virtual_env;
  if (env) virtual_env = env->path();
  if (env && runtime_env.isolation == envbuild::Isolation::clone) {
    RTENV_TRY(virtual_env, job_folder.copy_env(env->path(), plan->interpreter));
  }
  std::optional<Path> programs;
  if (runtime_env.py_executable) {
    RTENV_TRY(programs, job_folder.make_programs(envbuild::expand(*runtime_env.py_executable, variables)));
  }
  job::Command command{.argv = argv,
                       .environment = job::activate({.node = tool.environment,
                                                     .env_vars = variables.env_vars(),
                                                     .working_dir = working_dir,
                                                     .py_modules = folders_of(modules),
                                                     .virtual_env = virtual_env,
                                                     .programs = programs}),
                       .working_dir = working_dir.value_or(Path())};
  // If this process is killed, the job goes on: then it is the job that holds its environment and its folder.
  if (const auto lock_fd = holder_fd(env, source, modules)) command.keep_fds.push_back(*lock_fd);
  const std::chrono::duration<double, std::milli> prepared = Clock::now() - begin;
  log::debug("prepared in {:.1f} ms{}", prepared.count(),
             env && env->origin == envbuild::VirtualEnv::Origin::built ? ", the environment built" : "");

  const auto state = job::run_in_foreground(command);
  job_folder.say_where_it_is();
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
  state->inputs.declare_build(*command);
  state->inputs.declare_env_vars(*command);
  command->add_flag("--keep", state->keep, "Keep the job's own copy of its directory and say where it is");
  command->add_option("COMMAND", state->argv, "The command and its arguments, after --")->required();
  command->positionals_at_end();
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
