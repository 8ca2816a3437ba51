#include "base/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/blocked_signals.hpp"
#include "base/pipe.hpp"
#include "base/program.hpp"

namespace rtenv {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto k_grace_after_sigterm = std::chrono::seconds(1);
constexpr int k_time_to_die_ms = 200;          // after SIGKILL
constexpr unsigned k_signal_group = 1U << 2U;  // PIDFD_SIGNAL_PROCESS_GROUP of <linux/pidfd.h>

// Everything that the child needs between fork and exec, prepared in advance: there, only
// async-signal-safe calls are allowed.
struct ExecPlan {
  ProgramSearch search;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const SpawnOptions& options;
  std::vector<int> open_fds;  // sorted: what the child needs until exec, or keeps
  int report_fd;              // gets an ExecFailure if exec fails; closed by a successful exec
  pid_t parent;
};

// Pointers are valid in the parent, too.
struct ExecFailure {
  int error_number = 0;
  const char* action = nullptr;  // what can't be done to the working directory
  ProgramSearch::Match program;  // without an action: what was found
};

[[noreturn]] void report_and_exit(const ExecPlan& plan, const ExecFailure& failure) noexcept {
  [[maybe_unused]] const auto written = ::write(plan.report_fd, &failure, sizeof failure);
  ::_exit(127);
}

void set_limit(const ResourceLimit& limit) noexcept {
  rlimit both{};
  ::getrlimit(static_cast<__rlimit_resource>(limit.resource), &both);
  both.rlim_cur = std::min<rlim_t>(limit.value, both.rlim_max);
  if (limit.hard) both.rlim_max = both.rlim_cur;
  ::setrlimit(static_cast<__rlimit_resource>(limit.resource), &both);
}

// `fds`: sorted.
void close_all_but(const std::vector<int>& fds) noexcept {
  unsigned first = 3;
  for (const int fd : fds) {
    const auto number = static_cast<unsigned>(fd);
    if (number > first) ::close_range(first, number - 1, 0);
    first = std::max(first, number + 1);
  }
  ::close_range(first, ~0U, 0);
}

// A source that is itself one of the targets is copied first: another one replaces it.
void set_standard_streams(const SpawnOptions& options) noexcept {
  constexpr int k_first_free = 3;
  const int error =
      options.error_fd >= 0 || options.inherit_stderr ? options.error_fd : options.output_fd;
  std::array<int, 3> sources{options.input_fd, options.output_fd, error};
  if (options.null_input) sources[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int& source : sources)
    if (source >= 0 && source < k_first_free) source = ::fcntl(source, F_DUPFD, k_first_free);
  for (int target = 0; target < k_first_free; ++target)
    if (const int source = sources[static_cast<std::size_t>(target)]; source >= 0)
      ::dup2(source, target);
}

// Don't inherit ignored signals, nor run the parent's handlers.
void reset_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) ::signal(number, SIG_DFL);
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD})
    ::signal(number, SIG_DFL);
}

[[noreturn]] void exec_child(const ExecPlan& plan) noexcept {
  const SpawnOptions& options = plan.options;
  if (options.own_session)
    ::setsid();
  else if (options.own_group)
    ::setpgid(0, 0);
  if (options.die_with_parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(127);  // the parent ended before prctl
  }
  set_standard_streams(options);
  // At once, not by exec: if the parent is killed now, its listening socket must not stay open.
  // Libraries may also open descriptors without O_CLOEXEC.
  close_all_but(plan.open_fds);
  for (const int fd : options.keep_fds) ::fcntl(fd, F_SETFD, 0);
  if (options.prepare_child)
    if (const char* const failed = options.prepare_child())
      report_and_exit(plan, {.error_number = errno, .action = failed});
  for (const ResourceLimit& limit : options.limits) set_limit(limit);
  if (!options.working_dir.empty() && ::chdir(options.working_dir.c_str()) != 0)
    report_and_exit(plan, {.error_number = errno, .action = "change to directory"});
  reset_signals();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Here, because the child may see other files.
  const ProgramSearch::Match program = plan.search.find();
  if (program.executable) ::execve(program.path, plan.argv.data(), plan.envp.data());
  report_and_exit(plan, {.error_number = errno, .program = program});
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

int poll_timeout_ms(std::optional<Clock::time_point> until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(std::min<std::int64_t>(left, 60'000));
}

// execve(2) would take the text before it.
Result<void> refuse_nul(const std::vector<std::string>& texts, std::string_view what) {
  for (const std::string& text : texts)
    if (text.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "{} of the command contains a NUL byte", what);
  return {};
}

// By its descriptor: if another thread has reaped it, its number may be another child's.
void reap(const Fd& pidfd, int options) noexcept {
  siginfo_t ignored{};
  while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &ignored, WEXITED | options) != 0 &&
         errno == EINTR)
    continue;
}

void keep_tail(std::string& text, std::size_t max_bytes) {
  if (text.size() > 2 * max_bytes) text.erase(0, text.size() - max_bytes);
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const SpawnOptions& options) {
  if (options.argv.empty() || options.argv.front().empty())
    return fail(Errc::invalid_argument, "no command given");
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> environment = options.environment.strings();
  RTENV_TRY(refuse_nul(argv, "an argument"));
  RTENV_TRY(refuse_nul(environment, "a variable"));
  RTENV_TRY(Pipe report, Pipe::create());
  const std::string& program = options.argv.front();
  std::error_code ignored;
  std::vector<int> open_fds = options.keep_fds;
  open_fds.insert(open_fds.end(), options.prepare_fds.begin(), options.prepare_fds.end());
  open_fds.push_back(report.write_end.get());
  std::ranges::sort(open_fds);
  const ExecPlan plan{
      .search = ProgramSearch(program, options.environment,
                              std::filesystem::current_path(ignored) / options.working_dir),
      .argv = pointers(argv),
      .envp = pointers(environment),
      .options = options,
      .open_fds = std::move(open_fds),
      .report_fd = report.write_end.get(),
      .parent = ::getpid()};
  // As fork(2), but with a descriptor from the beginning: another thread may reap the child at
  // once.
  int pidfd_number = -1;
  pid_t pid = -1;
  {
    // The child would run handlers, which know only the parent, on what it shares with it.
    const BlockedSignals blocked;
    pid = static_cast<pid_t>(
        ::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd_number, nullptr, nullptr));
    if (pid == 0) exec_child(plan);
  }
  if (pid < 0) return fail_errno("start", program);
  Fd pidfd(pidfd_number);
  // Both parent and child call setpgid, so the group exists whichever runs first.
  if (options.own_group && !options.own_session) ::setpgid(pid, pid);
  report.write_end.reset();

  ExecFailure failure{};
  RTENV_TRY(const std::size_t reported,
            read_full(report.read_end, std::as_writable_bytes(std::span(&failure, 1)), "a pipe"));
  if (reported == sizeof failure) {
    reap(pidfd, 0);
    if (failure.action != nullptr)
      return fail(system_error(failure.error_number, failure.action, options.working_dir.native()));
    RTENV_TRY(plan.search.check(failure.program));
    return fail(system_error(failure.error_number, "run", program));
  }
  return ChildProcess(pid, std::move(pidfd), options.own_group);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      own_group_(other.own_group_),
      origin_(other.origin_) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || !origin_.is_this_process()) return;
  signal(SIGKILL);
  pollfd end{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
  ::poll(&end, 1, k_time_to_die_ms);
  reap(pidfd_, WNOHANG);
}

Result<ExitState> ChildProcess::wait() {
  RTENV_TRY(const ExitState state, wait_for_exit(pidfd_));
  pid_ = -1;
  return state;
}

// By the descriptor: if somebody else has reaped the process, another one may have its number.
void ChildProcess::signal(int number) const noexcept {
  if (pid_ <= 0) return;
  const unsigned flags = own_group_ ? k_signal_group : 0;
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, flags) == 0 ||
      errno != EINVAL || !own_group_)
    return;
  // Before Linux 6.9.
  const bool exists = ::syscall(SYS_pidfd_send_signal, pidfd_.get(), 0, nullptr, 0) == 0;
  if (exists) ::kill(-pid_, number);
}

Result<Captured> run_captured(SpawnOptions options, const CaptureLimits& limits) {
  RTENV_TRY(Pipe pipe, Pipe::create());
  options.output_fd = pipe.write_end.get();
  options.null_input = true;
  RTENV_TRY(ChildProcess child, ChildProcess::spawn(options));
  pipe.write_end.reset();

  Captured captured;
  bool cancelled = false;
  auto deadline = limits.deadline;
  std::array<char, 16384> buffer;
  // Ends with the process itself, even if one of its children still has the pipe open.
  for (bool output_open = true, running = true; running || output_open;) {
    std::array<pollfd, 3> entries{
        {{output_open ? pipe.read_end.get() : -1, POLLIN, 0},
         {running ? child.poll_fd() : -1, POLLIN, 0},
         {limits.cancellation && !cancelled ? limits.cancellation->poll_fd() : -1, POLLIN, 0}}};
    const int ready =
        ::poll(entries.data(), entries.size(), running ? poll_timeout_ms(deadline) : 0);
    if (ready < 0 && errno != EINTR) return fail_errno("wait for", options.argv.front());
    if (ready <= 0) {
      if (!running) break;
      if (ready == 0 && deadline && Clock::now() >= *deadline) {
        child.signal(SIGKILL);
        captured.timed_out = !cancelled;
        deadline.reset();
      }
      continue;
    }
    if (entries[0].revents != 0) {
      const ssize_t count = ::read(pipe.read_end.get(), buffer.data(), buffer.size());
      if (count <= 0) {
        output_open = count < 0 && errno == EINTR;
      } else {
        const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
        captured.output.append(text);
        keep_tail(captured.output, limits.max_output_bytes);
        if (limits.on_output) limits.on_output(text);
      }
    } else if (entries[1].revents != 0) {
      running = false;
    }
    if (entries[2].revents != 0) {
      cancelled = true;
      child.signal(SIGTERM);
      deadline = Clock::now() + k_grace_after_sigterm;
    }
  }
  if (captured.timed_out || cancelled) child.signal(SIGKILL);  // the rest of the group
  RTENV_TRY(captured.state, child.wait());
  if (cancelled)
    return fail(Errc::cancelled, "interrupted while {} was running", options.argv.front());
  if (captured.output.size() > limits.max_output_bytes)
    captured.output.erase(0, captured.output.size() - limits.max_output_bytes);
  return captured;
}

}  // namespace rtenv
