#include <chrono>

#include "api/internals.hpp"
#include "cli/background_removal.hpp"
#include "cli/commands.hpp"
#include "cli/job_inputs.hpp"
#include "job/foreground.hpp"
#include "job/setup.hpp"

namespace rtenv::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto k_short_job = std::chrono::seconds(1);
constexpr int k_not_found_status = 127;  // as in a shell
constexpr int k_not_executable_status = 126;

struct RunCommand {
  JobInputs inputs;
  bool keep = false;
  std::vector<std::string> argv;

  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<int> RunCommand::run(const Tool& tool) const {
  const auto begin = Clock::now();
  ProgressLine progress(tool);
  RTENV_TRY(const auto options, inputs.prepare_options(tool, progress));
  RTENV_TRY(const auto runtime_env, inputs.runtime_env(tool));
  RTENV_TRY(const Cache opened, inputs.open_cache(tool));
  cache::Cache& cache = Internals::of(opened);
  RTENV_TRY(auto prepared,
            job::prepare_job(runtime_env, cache, {.prepare = options, .keep_folder = keep}));
  progress.clear();
  const std::chrono::duration<double, std::milli> preparing = Clock::now() - begin;
  log::debug("prepared in {:.1f} ms{}", preparing.count(),
             prepared.built_env() ? ", the environment built" : "");

  const auto started = Clock::now();
  const auto state =
      job::run_in_foreground({.argv = argv,
                              .environment = prepared.environment(),
                              .working_dir = prepared.working_dir(),
                              // The job inherits its leases: if this process is killed, the job
                              // continues and still holds its environment and its folder.
                              .keep_fds = prepared.keep_fds(),
                              .prepare_child = prepared.prepare_child()});
  if (const auto folder = prepared.release_folder()) {
    if (keep)
      log::info("the job's directory was kept: {}", (*folder / "working_dir").native());
    else
      remove_job_folder(*folder, cache);
  }
  // The next job repairs the copy, too: here it would only delay the end of a short one.
  const auto given_back = Clock::now() - started > k_short_job
                              ? prepared.give_back_copy(tool.cancellation)
                              : prepared.give_back_unrepaired_copy(tool.cancellation);
  if (!given_back) log::debug("{}", given_back.error().message());
  if (prepared.has_uncompiled_env()) {
    progress.show("compiling the environment's Python code for the jobs that follow");
    if (const auto compiled = prepared.compile_env(tool.cancellation); !compiled)
      log::debug("{}", compiled.error().message());
    progress.clear();
  }
  if (!state) {
    const Errc code = state.error().code();
    if (code != Errc::not_found && code != Errc::permission_denied) return Failure(state.error());
    tool.output.print_error(state.error());
    return code == Errc::not_found ? k_not_found_status : k_not_executable_status;
  }
  return state->shell_status();
}

}  // namespace

void register_run(const Command& root, Tool& tool) {
  auto state = std::make_shared<RunCommand>();
  const Command command = add_command(
      root, tool, "run",
      "Run a command in its environment and a directory of its own, which is removed afterwards "
      "(see --keep); exits with the command's exit code",
      "  rtenv run -f runtime_env.yaml --working-dir . -- python main.py");
  state->inputs.declare(command);
  state->inputs.declare_build(command);
  state->inputs.declare_env_vars(command);
  command.add_flag("--keep", state->keep,
                   "Keep the job's copy of its directory and print where it is");
  command.add_program("COMMAND", state->argv, "The command and its arguments, after --");
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
