#include "job/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/boot_id.hpp"
#include "base/clock.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "job/activation.hpp"
#include "job/control_socket.hpp"
#include "job/guardian.hpp"
#include "job/process_tree.hpp"
#include "job/run_state.hpp"
#include "job/sandbox.hpp"
#include "job/setup.hpp"
#include "runtime_env/expand.hpp"

namespace rtenv::job {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

constexpr int k_pipe_bytes = 1 << 20;
constexpr std::size_t k_read_bytes = 64 << 10;
constexpr auto k_default_stop_wait = std::chrono::milliseconds(3000);
constexpr auto k_count_interval = std::chrono::milliseconds(50);

// The thread that makes ready what the job needs.
class Setup {
 public:
  Setup(const JobOrder& order, const SupervisorOptions& options)
      : order_(order), options_(options) {}
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;
  ~Setup() {
    if (thread_.joinable()) {
      cancellation_->request();
      thread_.join();
    }
  }

  Result<void> begin() {
    RTENV_TRY(auto cancellation, Cancellation::create());
    cancellation_.emplace(std::move(cancellation));
    done_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!done_) return fail_errno("make", "an event");
    thread_ = std::thread([this] {
      result_.emplace(prepare());
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(done_.get(), &one, sizeof one);
    });
    return {};
  }

  [[nodiscard]] bool is_running() const noexcept { return thread_.joinable(); }
  [[nodiscard]] int done_fd() const noexcept { return thread_.joinable() ? done_.get() : -1; }
  void cancel() const noexcept {
    if (cancellation_) cancellation_->request();
  }
  Result<PreparedJob> take() {
    thread_.join();
    return std::move(*result_);
  }

 private:
  Result<PreparedJob> prepare() {
    RTENV_TRY(const auto runtime_env, runtime_env::parse_runtime_env(order_.runtime_env));
    const SetupOptions setup{.prepare = {.node = without_server_variables(options_.node),
                                         .python = order_.python,
                                         .threads = default_threads(),
                                         .cancellation = &*cancellation_,
                                         .show_output = true}};
    RTENV_TRY(auto cache, options_.open_cache());
    return prepare_job(runtime_env, cache, setup);
  }

  const JobOrder& order_;
  const SupervisorOptions& options_;
  std::optional<Cancellation> cancellation_;
  std::optional<Result<PreparedJob>> result_;
  Fd done_;
  std::thread thread_;
};

// The server's limits, or tighter ones that the request names.
JobLimits limits_of(const JobOrder& order) {
  JobLimits limits = order.limits;
  const json config =
      order.runtime_env.is_object() ? order.runtime_env.value("config", json()) : json();
  const auto tighten = [&](const char* name, std::optional<std::uint64_t>& limit) {
    if (config.is_object() && config.contains(name))
      limit = std::min(limit.value_or(UINT64_MAX), config.at(name).get<std::uint64_t>());
  };
  tighten("max_processes", limits.processes);
  tighten("max_open_files", limits.open_files);
  return limits;
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

json usage_json(const rusage& usage) {
  return {{"user_s", seconds(usage.ru_utime)},
          {"system_s", seconds(usage.ru_stime)},
          {"max_rss_bytes", static_cast<std::int64_t>(usage.ru_maxrss) * 1024}};
}

class Supervisor {
 public:
  Supervisor(JobOrder order, const SupervisorOptions& options, JobFolder folder,
             ControlSocket control, JobLog log, Fd signals)
      : order_(std::move(order)),
        options_(options),
        folder_(std::move(folder)),
        control_(std::move(control)),
        log_(std::move(log)),
        signals_(std::move(signals)) {
    order_.limits = limits_of(order_);
    state_.supervisor_pid = ::getpid();
    state_.boot_id = boot_id();
  }

  Result<void> run();

 private:
  [[nodiscard]] bool wants_setup() const {
    return order_.runtime_env.is_object() && !order_.runtime_env.empty();
  }
  Result<void> make_pipe();
  Result<void> begin();
  void publish();
  void wait();
  [[nodiscard]] int wait_ms() const;
  void handle_signals();
  void handle_command(const json& command);
  void read_output(bool to_the_end);
  void finish_setup();
  void start_entrypoint();
  [[nodiscard]] Environment job_environment() const;
  void stop();
  void begin_ending(std::chrono::milliseconds wait);
  void reap_ended();
  void check_deadlines();
  void end(Outcome outcome);
  void fail_setup(const Error& error);

  JobOrder order_;
  const SupervisorOptions& options_;
  JobFolder folder_;
  ControlSocket control_;
  JobLog log_;
  Fd signals_;
  RunState state_;
  Fd output_read_;
  Fd output_write_;  // closed once the entrypoint has it
  std::optional<Setup> setup_;
  std::optional<PreparedJob> prepared_;
  bool stop_asked_ = false;
  bool guardian_gone_ = false;
  bool entrypoint_ended_ = false;
  bool too_many_ = false;
  std::optional<Clock::time_point> setup_deadline_;
  std::optional<std::chrono::seconds> setup_timeout_;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> count_at_;
};

Result<void> Supervisor::make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("make", "a pipe");
  output_read_ = Fd(ends[0]);
  output_write_ = Fd(ends[1]);
  ::fcntl(output_read_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(output_read_.get(), F_SETPIPE_SZ, k_pipe_bytes);
  return {};
}

void Supervisor::publish() {
  state_.lost_log_bytes = log_.lost_bytes();
  state_.log_error = log_.error();
  if (const auto written = folder_.write_state(state_); !written)
    log::warn("{}", written.error().message());
  control_.tell(to_json(state_));
}

Result<void> Supervisor::begin() {
  RTENV_TRY(make_pipe());
  if (!wants_setup()) {
    state_.phase = RunPhase::ready;
    if (order_.start)
      start_entrypoint();
    else
      publish();
    return {};
  }
  log_.write_line("Runtime env is setting up.");
  publish();
  // What is said while it is made ready belongs into the job's log, as it comes.
  ::dup2(output_write_.get(), STDERR_FILENO);
  if (const auto parsed = runtime_env::parse_runtime_env(order_.runtime_env);
      parsed && parsed->setup_timeout) {
    setup_timeout_ = parsed->setup_timeout;
    setup_deadline_ = Clock::now() + *parsed->setup_timeout +
                      std::chrono::seconds(1);  // the installer's own comes first
  }
  setup_.emplace(order_, options_);
  return setup_->begin();
}

int Supervisor::wait_ms() const {
  std::optional<Clock::time_point> next;
  for (const auto& time : {setup_deadline_, kill_at_, count_at_})
    if (time && (!next || *time < *next)) next = time;
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Supervisor::wait() {
  std::vector<pollfd> entries{{signals_.get(), POLLIN, 0},
                              {control_.listening_fd(), POLLIN, 0},
                              {output_read_.get(), POLLIN, 0},
                              {setup_ ? setup_->done_fd() : -1, POLLIN, 0}};
  for (const int fd : control_.connection_fds()) entries.push_back({fd, POLLIN, 0});
  if (::poll(entries.data(), entries.size(), wait_ms()) <= 0) return check_deadlines();
  if (entries[2].revents != 0) read_output(false);
  if (entries[0].revents != 0) handle_signals();
  if (entries[1].revents != 0) control_.accept(to_json(state_));
  for (std::size_t i = 4; i < entries.size(); ++i)
    if (entries[i].revents != 0)
      for (const json& command : control_.read(entries[i].fd)) handle_command(command);
  if (entries[3].revents != 0) finish_setup();
  check_deadlines();
}

void Supervisor::handle_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      case SIGTERM: stop(); break;
      case SIGUSR2:  // the guardian's death
        guardian_gone_ = true;
        break;
      default: break;
    }
  }
  if (state_.phase == RunPhase::running) reap_ended();
}

void Supervisor::handle_command(const json& command) {
  if (!command.is_object()) return;
  if (command.contains("stop")) return stop();
  if (!command.contains("start") || order_.start) return;
  order_.start = command.at("start").value("gpus", std::vector<int>());
  if (state_.phase == RunPhase::ready) start_entrypoint();
}

void Supervisor::read_output(bool to_the_end) {
  std::array<char, k_read_bytes> buffer;
  do {
    const ssize_t count = ::read(output_read_.get(), buffer.data(), buffer.size());
    if (count == 0) {  // nobody writes any more
      output_read_.reset();
      return;
    }
    if (count < 0) return;
    log_.write(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  } while (to_the_end);
}

void Supervisor::fail_setup(const Error& error) {
  state_.error = error.message();
  if (!error.hint().empty()) state_.error += fmt::format(" ({})", error.hint());
  end(Outcome::setup_failed);
}

void Supervisor::finish_setup() {
  auto prepared = setup_->take();
  setup_.reset();
  const bool late = setup_deadline_ && Clock::now() >= *setup_deadline_;
  setup_deadline_.reset();
  read_output(true);
  if (stop_asked_) return end(Outcome::stopped);
  if (!prepared && late && prepared.error().code() == Errc::cancelled)
    return fail_setup(
        Error(Errc::unavailable,
              fmt::format("Timeout: it took longer than {} s", setup_timeout_->count()),
              "raise config.setup_timeout_seconds in the runtime_env"));
  if (!prepared) return fail_setup(prepared.error());
  prepared_.emplace(std::move(*prepared));
  state_.phase = RunPhase::ready;
  if (order_.start)
    start_entrypoint();
  else
    publish();
}

// What a driver that calls ray.init() takes its settings from. Without a cluster, it starts one of
// its own, whose workers are its children: they see the directory and the environment as it does,
// and couldn't fetch a package of this server.
json job_config(const JobOrder& order) {
  json runtime_env = order.runtime_env.is_object() ? order.runtime_env : json::object();
  for (const char* field :
       {"working_dir", "py_modules", "excludes", "uv", "pip", "py_executable", "config"})
    runtime_env.erase(field);
  json metadata = order.metadata.is_object() ? order.metadata : json::object();
  metadata["job_submission_id"] = order.id;
  if (!metadata.contains("job_name")) metadata["job_name"] = order.id;
  return {{"runtime_env", std::move(runtime_env)}, {"metadata", std::move(metadata)}};
}

Environment Supervisor::job_environment() const {
  Environment environment = prepared_ ? prepared_->environment()
                                      : activate({.node = without_server_variables(options_.node)});
  environment.set("RAY_JOB_CONFIG_JSON_ENV_VAR", json_text(job_config(order_)));
  environment.set("RTENV_JOB", order_.id);
  if (!order_.gpu_variable.empty())
    environment.set(order_.gpu_variable, fmt::format("{}", fmt::join(*order_.start, ",")));
  return environment;
}

void Supervisor::start_entrypoint() {
  state_.gpus = *order_.start;
  state_.phase = RunPhase::running;
  state_.running_ms = unix_ms();
  log_.write_line(fmt::format("Running entrypoint for job {}: {}", order_.id, order_.entrypoint));
  publish();  // before anything of it runs
  SpawnOptions spawn{.argv = {"/bin/sh", "-c", order_.entrypoint},
                     .environment = job_environment(),
                     .output_fd = output_write_.get(),
                     .null_input = true,
                     .own_session = true};
  if (prepared_) {
    spawn.working_dir = prepared_->working_dir();
    spawn.keep_fds = prepared_->keep_fds();
  }
  if (order_.limits.memory_bytes)
    spawn.limits.push_back({RLIMIT_DATA, *order_.limits.memory_bytes});
  if (order_.limits.open_files) spawn.limits.push_back({RLIMIT_NOFILE, *order_.limits.open_files});
  if (order_.limits.processes) count_at_ = Clock::now();
  if (order_.sandbox) {
    auto sandboxed =
        in_sandbox(std::move(spawn), {.cache = options_.cache_root,
                                      .job_folder = prepared_ ? prepared_->folder() : std::nullopt,
                                      .hidden = folder_.path.parent_path().parent_path()});
    if (!sandboxed) {
      state_.error = sandboxed.error().message();
      return end(Outcome::start_failed);
    }
    spawn = std::move(*sandboxed);
  }
  auto child = ChildProcess::spawn(spawn);
  output_write_.reset();
  if (const Fd null_fd(::open("/dev/null", O_WRONLY | O_CLOEXEC)); null_fd)
    ::dup2(null_fd.get(), STDERR_FILENO);
  if (!child) {
    state_.error = child.error().message();
    return end(Outcome::start_failed);
  }
  state_.entrypoint_pid = child->pid();
  child->detach();  // it is reaped with all the others
  publish();
  if (stop_asked_) begin_ending(k_default_stop_wait);
}

void Supervisor::reap_ended() {
  const bool some_left = reap([&](const Reaped& reaped) {
    if (reaped.pid != state_.entrypoint_pid) return;
    entrypoint_ended_ = true;
    state_.exit_code = exit_code_of(reaped.status);
    state_.usage = usage_json(reaped.usage);
  });
  if (!entrypoint_ended_) return;
  if (some_left) {
    if (!kill_at_) begin_ending(k_default_stop_wait);  // the job is over: so is what it left behind
    return;
  }
  end(stop_asked_ ? Outcome::stopped : Outcome::exited);
}

void Supervisor::stop() {
  if (stop_asked_ || state_.phase == RunPhase::ended || entrypoint_ended_) return;
  stop_asked_ = true;
  switch (state_.phase) {
    case RunPhase::preparing: setup_->cancel(); break;
    case RunPhase::ready: end(Outcome::stopped); break;
    default: {
      const Environment environment = job_environment();
      auto wait = k_default_stop_wait;
      if (const auto text = environment.find_filled("RAY_JOB_STOP_WAIT_TIME_S")) {
        double given = 0;
        if (std::from_chars(text->data(), text->data() + text->size(), given).ec == std::errc() &&
            given >= 0 && given < 1e6)
          wait = std::chrono::milliseconds(static_cast<std::int64_t>(given * 1000));
      }
      begin_ending(wait);
    }
  }
}

void Supervisor::begin_ending(std::chrono::milliseconds wait) {
  const bool interrupt = job_environment().find("RAY_JOB_STOP_SIGNAL") == "SIGINT";
  // The sandbox itself would take all in it along, at once.
  signal_descendants(interrupt ? SIGINT : SIGTERM, order_.sandbox ? state_.entrypoint_pid : 0);
  kill_at_ = Clock::now() + wait;
}

void Supervisor::check_deadlines() {
  const auto now = Clock::now();
  if (guardian_gone_ && state_.phase != RunPhase::ended) {
    if (setup_) setup_.reset();
    kill_descendants();
    return end(Outcome::died);
  }
  if (setup_ && setup_deadline_ && now >= *setup_deadline_) setup_->cancel();
  if (state_.phase != RunPhase::running) return;
  if (count_at_ && now >= *count_at_) {
    count_at_ = now + k_count_interval;
    if (descendants().size() > *order_.limits.processes) {
      too_many_ = true;
      kill_at_ = now;
    }
  }
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    // Its status must not get lost among those of the others.
    const auto entrypoint = state_.entrypoint_pid;
    if (!entrypoint_ended_) {
      ::kill(entrypoint, SIGSTOP);
      state_.exit_code = -SIGKILL;
    }
    kill_descendants();
    entrypoint_ended_ = true;
    end(stop_asked_ ? Outcome::stopped : Outcome::exited);
  }
}

void Supervisor::end(Outcome outcome) {
  output_write_.reset();
  if (output_read_) read_output(true);
  if (too_many_)
    log_.write_line(
        fmt::format("[rtenv: the job had more than {} processes, its limit, and was ended]",
                    *order_.limits.processes));
  log_.finish();
  prepared_.reset();  // its folder and its leases go before anybody hears that it is over
  state_.phase = RunPhase::ended;
  state_.outcome = outcome;
  state_.ended_ms = unix_ms();
  publish();
}

Result<void> Supervisor::run() {
  RTENV_TRY(begin());
  for (const json& command : control_.early()) handle_command(command);
  while (state_.phase != RunPhase::ended) wait();
  return {};
}

// `lines` keeps what comes behind it.
Result<JobOrder> read_order(const Fd& control, LineBuffer& lines) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(control.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(Errc::cancelled, "the server is gone before it said what to run");
    lines.add(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    if (const auto line = lines.next()) return job_order_from_json(json::parse(*line));
  }
}

Result<void> run_supervisor(const SupervisorOptions& options, const JobFolder& folder, Fd control,
                            const sigset_t& taken) {
  LineBuffer lines;
  RTENV_TRY(auto order, read_order(control, lines));
  Fd signals(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return fail_errno("watch", "signals");
  // Another may have run it already, for a server that was killed at the wrong moment: never twice.
  if (const auto before = folder.read_state(); before && before->phase >= RunPhase::running)
    return {};
  RTENV_TRY(auto socket,
            ControlSocket::listen(folder.control(), std::move(control), std::move(lines)));
  RTENV_TRY(auto log, JobLog::open(folder.log(), order.log));
  return Supervisor(std::move(order), options, folder, std::move(socket), std::move(log),
                    std::move(signals))
      .run();
}

}  // namespace

json to_json(const JobOrder& order) {
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? json(*value) : json();
  };
  return {{"id", order.id},
          {"entrypoint", order.entrypoint},
          {"runtime_env", order.runtime_env},
          {"metadata", order.metadata},
          {"python", order.python ? json(*order.python) : json()},
          {"log_max_bytes", order.log.max_bytes},
          {"memory_bytes", number(order.limits.memory_bytes)},
          {"open_files", number(order.limits.open_files)},
          {"processes", number(order.limits.processes)},
          {"sandbox", order.sandbox},
          {"start", order.start ? json(*order.start) : json()},
          {"gpu_variable", order.gpu_variable}};
}

JobOrder job_order_from_json(const json& value) {
  JobOrder order;
  const auto number = [&](const char* name) -> std::optional<std::uint64_t> {
    if (value.at(name).is_null()) return std::nullopt;
    return value.at(name).get<std::uint64_t>();
  };
  value.at("id").get_to(order.id);
  value.at("entrypoint").get_to(order.entrypoint);
  order.runtime_env = value.at("runtime_env");
  order.metadata = value.at("metadata");
  if (!value.at("python").is_null()) order.python = value.at("python").get<std::string>();
  value.at("log_max_bytes").get_to(order.log.max_bytes);
  order.limits = {.memory_bytes = number("memory_bytes"),
                  .open_files = number("open_files"),
                  .processes = number("processes")};
  value.at("sandbox").get_to(order.sandbox);
  if (!value.at("start").is_null()) order.start = value.at("start").get<std::vector<int>>();
  value.at("gpu_variable").get_to(order.gpu_variable);
  return order;
}

std::string job_mark(std::string_view id) { return fmt::format("RTENV_JOB={}", id); }

int supervise(const SupervisorOptions& options, const Path& folder, Fd control, Fd lock) {
  for (const int fd : {control.get(), lock.get()}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t taken;
  ::sigemptyset(&taken);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR2}) ::sigaddset(&taken, number);
  ::pthread_sigmask(SIG_BLOCK, &taken, nullptr);
  ::setsid();
  if (!become_reaper()) return 1;

  const pid_t guardian = ::getpid();
  const pid_t supervisor = ::fork();
  if (supervisor < 0) return 1;
  if (supervisor > 0) return guard(supervisor, folder, std::move(control), taken);
  ::prctl(PR_SET_PDEATHSIG, SIGUSR2);
  if (::getppid() != guardian) return 1;
  if (!become_reaper()) return 1;
  const auto done = run_supervisor(options, JobFolder{folder}, std::move(control), taken);
  if (!done) log::warn("{}", done.error().message());
  return done ? 0 : 1;
}

}  // namespace rtenv::job
