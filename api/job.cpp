#include "rtenv/job.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
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

namespace {

constexpr std::int64_t k_longest_poll_ms = 60'000;

}  // namespace

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

Result<Exit> Process::wait(Stop stop) {
  RTENV_TRY(const auto exit, wait_for(std::chrono::milliseconds::max(), std::move(stop)));
  return *exit;
}

Result<std::optional<Exit>> Process::wait_for(std::chrono::milliseconds time, Stop stop) {
  using Clock = std::chrono::steady_clock;
  return in_call(std::move(stop), [&](Call& call) -> Result<std::optional<Exit>> {
    if (!state_ || !state_->child)
      return fail(Errc::invalid_argument, "the process was waited for before, or detached");
    const auto begin = Clock::now();
    std::array<pollfd, 2> waits{
        {{.fd = state_->child->poll_fd(), .events = POLLIN, .revents = 0},
         {.fd = call.cancellation()->poll_fd(), .events = POLLIN, .revents = 0}}};
    while (waits[0].revents == 0) {
      const auto passed =
          std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin);
      const auto left = std::clamp<std::int64_t>((time - passed).count(), 0, k_longest_poll_ms);
      const int ready = ::poll(waits.data(), waits.size(), static_cast<int>(left));
      if (ready < 0 && errno != EINTR) return fail_errno("wait for", "a process");
      if (waits[0].revents != 0) break;
      RTENV_TRY(check_not_cancelled(call.cancellation(), "waiting for", "a process"));
      if (ready == 0 && left < k_longest_poll_ms) return std::optional<Exit>();
    }
    const auto ended = state_->child->wait();
    if (!ended) return Failure(ended.error());
    state_->child.reset();
    return std::optional(Exit{.code = ended->exit_code, .signal = ended->signal});
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

Result<void> check_stream(std::string_view name, int fd) {
  return fd == -1 ? Result<void>() : api::check_open(name, fd);
}

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
  return api::guarded([&]() -> Result<Process> {
    if (!state_) return fail(Errc::invalid_argument, "the job was released, or moved elsewhere");
    RTENV_TRY(check_stream("input_fd", command.input_fd));
    RTENV_TRY(check_stream("output_fd", command.output_fd));
    RTENV_TRY(check_stream("error_fd", command.error_fd));
    SpawnOptions options{.argv = command.argv,
                         .environment = state_->job->environment(),
                         .working_dir = state_->job->working_dir(),
                         .input_fd = command.input_fd,
                         .output_fd = command.output_fd,
                         .error_fd = command.error_fd,
                         .inherit_stderr = command.error_fd < 0,
                         .null_input = command.input_fd < 0,
                         .keep_fds = state_->job->keep_fds()};
    RTENV_TRY(api::check_variables(command.env_vars, "env_vars"));
    for (const auto& [name, value] : command.env_vars) options.environment.set(name, value);
    RTENV_TRY(auto child, state_->mounts ? state_->mounts->spawn(std::move(options))
                                         : ChildProcess::spawn(options));
    return Internals::make<Process>(std::move(child));
  });
}

void PreparedJob::release() noexcept {
  if (!state_) return;
  state_->mounts.reset();
  const auto released = api::guarded(
      [&]() -> Result<void> { return state_->job->give_back_unrepaired_copy(nullptr); });
  if (!released) log::debug("{}", released.error().message());
  state_.reset();
}

Result<PreparedJob> prepare(const RuntimeEnv& runtime_env, Cache& cache,
                            const EnvOptions& options) {
  return api::guarded([&]() -> Result<PreparedJob> {
    auto state = Internals::make_state<PreparedJob>(options);
    RTENV_TRY(state->call.begin());
    const WaitScope scope(state->call.cancellation());
    const auto prepared = [&]() -> Result<void> {
      RTENV_TRY(const auto prepare, api::prepare_options(state->options, state->call));
      RTENV_TRY(state->job, job::prepare_job(Internals::of(runtime_env), Internals::of(cache),
                                             {.prepare = prepare,
                                              .overlays_work = &Internals::overlays_work(cache)}));
      return {};
    }();
    RTENV_TRY(state->call.end(prepared));
    state->env = state->job->env_path();
    if (const MountPlan* const mounts = state->job->mounts()) state->mounts.emplace(*mounts);
    return Internals::from_state<PreparedJob>(std::move(state));
  });
}

}  // namespace rtenv
