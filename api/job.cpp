#include "rtenv/job.hpp"

#include <poll.h>
#include <signal.h>

#include <array>

#include "api/call.hpp"
#include "api/environment.hpp"
#include "api/internals.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/shared_mounts.hpp"
#include "job/setup.hpp"

namespace rtenv {

using api::Call;
using api::in_call;

struct Process::State {
  std::optional<ChildProcess> child;  // nullopt: waited for, or detached
};

Process::Process(std::unique_ptr<State> state) : state_(std::move(state)) {}
Process::Process(Process&& other) noexcept = default;
Process& Process::operator=(Process&& other) noexcept = default;
Process::~Process() = default;

pid_t Process::pid() const noexcept { return state_ && state_->child ? state_->child->pid() : -1; }

int Process::poll_fd() const noexcept {
  return state_ && state_->child ? state_->child->poll_fd() : -1;
}

void Process::signal(int number) noexcept {
  if (state_ && state_->child) state_->child->signal(number);
}

Result<Exit> Process::wait(std::stop_token stop) {
  return in_call(std::move(stop), [&](Call& call) -> Result<Exit> {
    if (!state_ || !state_->child)
      return fail(Errc::invalid_argument, "the process was waited for before, or detached");
    std::array<pollfd, 2> waits{
        {{.fd = state_->child->poll_fd(), .events = POLLIN, .revents = 0},
         {.fd = call.cancellation()->poll_fd(), .events = POLLIN, .revents = 0}}};
    while (waits[0].revents == 0) {
      if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
        return fail_errno("wait for", "a process");
      if (waits[0].revents == 0)
        RTENV_TRY(check_not_cancelled(call.cancellation(), "waiting for", "a process"));
    }
    auto ended = state_->child->wait();
    if (!ended) return Failure(std::move(ended).error());
    state_->child.reset();
    return Exit{.code = ended->exit_code, .signal = ended->signal};
  });
}

void Process::detach() noexcept {
  if (!state_ || !state_->child) return;
  (void)std::move(*state_->child).detach();
  state_->child.reset();
}

struct PreparedJob::State {
  explicit State(const EnvOptions& given) : options(given), call(options) {}

  EnvOptions options;
  Call call;  // whose cancellation the job's folder refers to
  std::optional<job::PreparedJob> job;
  std::optional<SharedMounts> mounts;  // as the job needs them
  Path env;
};

PreparedJob::PreparedJob(std::unique_ptr<State> state) : state_(std::move(state)) {}
PreparedJob::PreparedJob(PreparedJob&& other) noexcept = default;
PreparedJob& PreparedJob::operator=(PreparedJob&& other) noexcept {
  if (this != &other) {
    release();
    state_ = std::move(other.state_);
  }
  return *this;
}
PreparedJob::~PreparedJob() { release(); }

namespace {

const Path k_no_path;

}  // namespace

const Path& PreparedJob::working_dir() const noexcept {
  return state_ ? state_->job->working_dir() : k_no_path;
}
const Path& PreparedJob::env() const noexcept { return state_ ? state_->env : k_no_path; }
bool PreparedJob::is_mounted() const noexcept { return state_ && state_->mounts; }
bool PreparedJob::built_env() const noexcept { return state_ && state_->job->built_env(); }

Variables PreparedJob::variables() const {
  return state_ ? state_->job->environment().values() : Variables();
}

Result<Process> PreparedJob::start(const Command& command) {
  return without_exceptions([&]() -> Result<Process> {
    if (!state_) return fail(Errc::invalid_argument, "the job was released");
    SpawnOptions options{.argv = command.argv,
                         .environment = state_->job->environment(),
                         .working_dir = state_->job->working_dir(),
                         .input_fd = command.input_fd,
                         .output_fd = command.output_fd,
                         .error_fd = command.error_fd,
                         .inherit_stderr = command.error_fd < 0,
                         .null_input = command.input_fd < 0,
                         .keep_fds = state_->job->keep_fds()};
    for (const auto& [name, value] : command.env_vars) options.environment.set(name, value);
    RTENV_TRY(auto child, state_->mounts ? state_->mounts->spawn(std::move(options))
                                         : ChildProcess::spawn(options));
    return Internals::make<Process>(Internals::make_state<Process>(std::move(child)));
  });
}

void PreparedJob::release() noexcept {
  if (!state_) return;
  state_->mounts.reset();
  const auto released = without_exceptions(
      [&]() -> Result<void> { return state_->job->give_back_unrepaired_copy(nullptr); });
  if (!released) log::debug("{}", released.error().message());
  state_.reset();
}

Result<PreparedJob> prepare(const RuntimeEnv& runtime_env, Cache& cache,
                            const EnvOptions& options) {
  return without_exceptions([&]() -> Result<PreparedJob> {
    auto state = Internals::make_state<PreparedJob>(options);
    RTENV_TRY(state->call.begin());
    const auto prepared = [&]() -> Result<void> {
      RTENV_TRY(const auto prepare, api::prepare_options(state->options, state->call));
      RTENV_TRY(state->job, job::prepare_job(Internals::of(runtime_env), Internals::of(cache),
                                             {.prepare = prepare}));
      return {};
    }();
    RTENV_TRY(state->call.end(prepared));
    state->env = state->job->env_path();
    if (const MountPlan* const mounts = state->job->mounts()) state->mounts.emplace(*mounts);
    return Internals::make<PreparedJob>(std::move(state));
  });
}

}  // namespace rtenv
