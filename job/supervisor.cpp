#include "job/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/boot_id.hpp"
#include "base/clock.hpp"
#include "base/exceptions.hpp"
#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/process_stat.hpp"
#include "base/processors.hpp"
#include "base/thread.hpp"
#include "cache/cache.hpp"
#include "job/activation.hpp"
#include "job/entrypoint_process.hpp"
#include "job/process_tree.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::job {
namespace {

using nlohmann::json;

constexpr int k_pipe_bytes = 1 << 20;
constexpr std::size_t k_read_bytes = 64 << 10;
constexpr auto k_count_interval = std::chrono::milliseconds(50);
constexpr int k_rewrite_interval_ms = 1000;
constexpr int k_lowest_priority = 19;
constexpr std::uint64_t k_max_run_time_s = 100ULL * 365 * 24 * 3600;

void to_standard_error(std::string_view text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

int exit_code_of(int status) {
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Supervisor::Supervisor(JobOrder order, const SupervisorOptions& options, JobFolder folder,
                       ControlSocket control, JobLog log, const SignalFd& signals)
    : order_(std::move(order)),
      options_(options),
      folder_(std::move(folder)),
      control_(std::move(control)),
      log_(std::move(log)),
      signals_(signals) {
  state_.run = folder_.run();
  state_.supervisor_pid = ::getpid();
  state_.boot_id = boot_id();
}

Result<void> Supervisor::run() {
  RTENV_TRY(begin());
  for (const json& command : control_.initial_messages()) handle_command(command);
  while (state_.phase != RunPhase::ended) wait();
  if (prepared_) clean_up();
  keep_end();
  return {};
}

// Nothing else tells a later server how the job ended, or that it hasn't begun although its start
// was written. Space may get free, and the folder is gone if the job is deleted.
void Supervisor::keep_end() {
  while (!state_is_written_) {
    pollfd entry{control_.listening_fd(), POLLIN, 0};
    if (::poll(&entry, 1, k_rewrite_interval_ms) > 0) control_.accept(to_json(state_));
    const auto written = folder_.write_state(state_);
    state_is_written_ = written || written.error().code() == Errc::not_found;
  }
}

// After the end was told: nobody waits for it.
void Supervisor::clean_up() {
  const auto warn = [](const Result<void>& result) {
    if (!result) log::warn("{}", result.error().message());
  };
  if (const auto folder = prepared_->release_folder()) warn(remove_tree(*folder));
  warn(prepared_->give_back_copy(nullptr));
  if (spare_copy_.joinable()) spare_copy_.join();
  if (prepared_->has_uncompiled_env()) warn(prepared_->compile_env(nullptr));
}

// For the next job with this directory, which would have to wait for a copy.
void Supervisor::start_spare_copy() {
  if (!prepared_ || !prepared_->took_last_copy()) return;
  auto thread = start_thread([prepared = &*prepared_, open_cache = options_.open_cache] {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), k_lowest_priority);
    const auto made = without_exceptions([&]() -> Result<void> {
      RTENV_TRY(auto cache, open_cache());
      return prepared->make_spare_copy(cache, nullptr);
    });
    if (!made) log::debug("no spare copy: {}", made.error().message());
  });
  if (thread) spare_copy_ = std::move(*thread);
}

// Writes the state, then reports it, also if it couldn't be written.
void Supervisor::publish() {
  state_.lost_log_bytes = log_.lost_bytes();
  state_.log_error = log_.error();
  const auto written = folder_.write_state(state_);
  state_is_written_ = written.has_value();
  if (!written) log_.write_notice(fmt::format("warning: {}", written.error().message()));
  control_.broadcast(to_json(state_));
}

// Reports a running job only if that is written: a later server would run it again.
Result<void> Supervisor::publish_start() {
  RTENV_TRY(folder_.write_state(state_));
  control_.broadcast(to_json(state_));
  return {};
}

Result<void> Supervisor::begin() {
  RTENV_TRY(output_, Pipe::create());
  ::fcntl(output_.read_end.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(output_.read_end.get(), F_SETPIPE_SZ, k_pipe_bytes);
  log_.redirect_stderr();
  if (!runtime_env::needs_setup(order_.runtime_env)) {
    become_ready();
    return {};
  }
  log_.write_line("Runtime env is setting up.");
  publish();
  if (const auto started = start_setup(); !started) fail_setup(started.error());
  return {};
}

Result<void> Supervisor::start_setup() {
  RTENV_TRY(fault_point("setup.begun"));
  RTENV_TRY(auto runtime_env,
            runtime_env::parse_runtime_env(order_.runtime_env, options_.start_folder));
  order_.limits = effective_limits(order_.limits, runtime_env.limits);
  const auto timeout = runtime_env.setup_timeout;
  SetupThread::Prepare prepare =
      [runtime_env = std::move(runtime_env), node = without_server_variables(options_.node),
       python = runtime_env::located_python(order_.python, options_.start_folder),
       max_age = order_.env_max_age, sandbox = sandbox(),
       open_cache = options_.open_cache](const Cancellation& cancellation) -> Result<PreparedJob> {
    RTENV_TRY(auto cache, open_cache());
    return prepare_job(runtime_env, cache,
                       {.prepare = {.node = node,
                                    .python = python,
                                    .threads = default_threads(),
                                    .cancellation = &cancellation,
                                    .on_output = to_standard_error,
                                    .sandbox = sandbox,
                                    .renewal = max_age ? envbuild::Renewal::older_than(*max_age)
                                                       : envbuild::Renewal()}});
  };
  // The output of installers and rtenv's own progress belong in the job's log.
  ::dup2(output_.write_end.get(), STDERR_FILENO);
  RTENV_TRY(auto setup, SetupThread::start(std::move(prepare), timeout));
  setup_.emplace(std::move(setup));
  return {};
}

void Supervisor::finish_setup() {
  pause_point("setup.done");
  auto prepared = setup_->take();
  setup_.reset();
  log_.redirect_stderr();
  drain_output();
  if (prepared) prepared_.emplace(std::move(*prepared));
  switch (ending_) {
    case Ending::stop_requested: return end(Outcome::stopped);
    case Ending::guardian_died: kill_descendants(); return end(Outcome::died);
    case Ending::time_over:
    case Ending::none: break;
  }
  if (!prepared) return fail_setup(prepared.error());
  become_ready();
}

void Supervisor::fail_setup(const Error& error) {
  state_.error = error.message();
  if (!error.hint().empty()) state_.error += fmt::format(" ({})", error.hint());
  end(Outcome::setup_failed);
}

void Supervisor::become_ready() {
  state_.phase = RunPhase::ready;
  if (order_.start)
    start_entrypoint();
  else
    publish();
}

void Supervisor::start_entrypoint() {
  state_.gpus = *order_.start;
  state_.phase = RunPhase::running;
  state_.running_ms = unix_ms();
  log_.write_line(fmt::format("Running entrypoint for job {}: {}", order_.id, order_.entrypoint));
  // Before any part of the entrypoint runs.
  if (const auto published = publish_start(); !published) {
    state_.error = published.error().message();
    return end(outcome_of_failed_start(published.error()));
  }
  Environment environment = entrypoint_environment(
      order_, prepared_ ? prepared_->environment()
                        : activate({.node = without_server_variables(options_.node)}));
  stop_settings_ = stop_settings(environment);
  pause_point("start.published");
  if (order_.limits.processes) count_at_ = Clock::now();
  if (order_.limits.run_time_s)
    stop_at_ =
        Clock::now() + std::chrono::seconds(std::min(*order_.limits.run_time_s, k_max_run_time_s));
  auto child = spawn_entrypoint(order_, std::move(environment),
                                {.prepared = prepared_ ? &*prepared_ : nullptr,
                                 .start_folder = options_.start_folder,
                                 .sandbox = sandbox().value_or(SandboxFolders()),
                                 .output_fd = output_.write_end.get()});
  output_.write_end.reset();
  if (!child) {
    state_.error = child.error().message();
    return end(outcome_of_failed_start(child.error()));
  }
  state_.entrypoint_pid = child->pid();
  if (const auto stat = process_stat(child->pid()))
    state_.entrypoint_start_ticks = stat->start_ticks;
  pause_point("entrypoint.spawned");
  child->detach();  // reap_ended() reaps it with all the others
  publish();
  start_spare_copy();
}

std::optional<SandboxFolders> Supervisor::sandbox() const {
  if (!order_.sandbox) return std::nullopt;
  SandboxFolders folders{.readable = order_.sandbox->readable, .hidden = order_.sandbox->hidden};
  folders.hidden.push_back(options_.cache_root);
  folders.hidden.push_back(folder_.path.parent_path().parent_path());  // the server's state
  return folders;
}

int Supervisor::wait_ms() const {
  std::optional<Clock::time_point> next;
  for (const auto& time :
       {setup_ ? setup_->deadline() : std::nullopt, kill_at_, count_at_, stop_at_})
    if (time && (!next || *time < *next)) next = time;
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void Supervisor::wait() {
  enum : std::size_t { signals, listening, output, setup, first_connection };
  std::vector<pollfd> entries{{signals_.poll_fd(), POLLIN, 0},
                              {control_.listening_fd(), POLLIN, 0},
                              {output_.read_end.get(), POLLIN, 0},
                              {setup_ ? setup_->done_fd() : -1, POLLIN, 0}};
  for (const int fd : control_.connection_fds()) entries.push_back({fd, POLLIN, 0});
  if (::poll(entries.data(), entries.size(), wait_ms()) <= 0) return check_deadlines();
  if (entries[output].revents != 0) read_output();
  if (entries[signals].revents != 0) handle_signals();
  if (entries[listening].revents != 0) control_.accept(to_json(state_));
  for (std::size_t i = first_connection; i < entries.size(); ++i)
    if (entries[i].revents != 0)
      for (const json& command : control_.receive(entries[i].fd)) handle_command(command);
  if (entries[setup].revents != 0) finish_setup();
  check_deadlines();
}

void Supervisor::handle_signals() {
  bool guardian_died = false;
  for (int number = signals_.next(); number != 0; number = signals_.next()) {
    if (number == SIGTERM) stop();
    if (number == k_guardian_death_signal) guardian_died = true;
  }
  if (state_.phase == RunPhase::running) reap_ended();
  if (guardian_died) handle_guardian_death();
}

void Supervisor::handle_guardian_death() {
  if (state_.phase == RunPhase::ended) return;
  if (setup_) {
    ending_ = Ending::guardian_died;
    setup_->cancel();
    return;
  }
  kill_descendants();
  end(Outcome::died);
}

void Supervisor::handle_command(const json& command) {
  if (!command.is_object()) return;
  if (command.contains("stop")) return command.at("stop") == "at once" ? stop_at_once() : stop();
  if (!command.contains("start") || order_.start) return;
  order_.start = command.at("start").value("gpus", std::vector<int>());
  if (state_.phase == RunPhase::ready) start_entrypoint();
}

void Supervisor::check_deadlines() {
  const auto now = Clock::now();
  if (setup_ && setup_->deadline() && now >= *setup_->deadline()) setup_->cancel();
  if (state_.phase != RunPhase::running) return;
  if (exceeds_process_limit(now))
    return kill_processes(fmt::format("the job exceeded its limit of {} processes and was ended",
                                      *order_.limits.processes));
  if (stop_at_ && now >= *stop_at_) stop_for_time();
  if (kill_at_ && now >= *kill_at_) kill_processes({});
}

void Supervisor::stop_for_time() {
  stop_at_.reset();
  if (ending_ != Ending::none || entrypoint_ended()) return;
  ending_ = Ending::time_over;
  state_.error = fmt::format("it ran longer than {} s (config.run_timeout_seconds)",
                             *order_.limits.run_time_s);
  log_.write_notice(state_.error + " and is stopped");
  signal_processes(stop_settings_.wait);
}

bool Supervisor::exceeds_process_limit(Clock::time_point now) {
  if (!count_at_ || now < *count_at_) return false;
  count_at_ = now + k_count_interval;
  return descendants().size() > *order_.limits.processes;
}

void Supervisor::reap_ended() {
  const bool some_left = reap([&](const Reaped& reaped) {
    if (reaped.pid != state_.entrypoint_pid) return;
    state_.exit_code = exit_code_of(reaped.status);
    state_.usage = usage_of(reaped.usage);
    const auto notice = sandbox_notice(order_, *state_.exit_code);
    if (notice.empty() || ending_ != Ending::none) return;
    drain_output();
    log_.write_notice(notice);
  });
  if (!entrypoint_ended()) return;
  if (!some_left) return end(outcome_of_exit());
  // The job has ended, so the processes that it left behind are ended too.
  if (!kill_at_) signal_processes(k_default_stop_wait);
}

// False if there is nothing to read now. Once all writers have closed the pipe, it is closed.
bool Supervisor::read_output() {
  std::array<char, k_read_bytes> buffer;
  const ssize_t count = ::read(output_.read_end.get(), buffer.data(), buffer.size());
  if (count == 0) output_.read_end.reset();
  if (count <= 0) return false;
  log_.write(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  return true;
}

void Supervisor::drain_output() {
  while (output_.read_end && read_output()) {
  }
}

void Supervisor::stop() {
  if (ending_ != Ending::none || state_.phase == RunPhase::ended || entrypoint_ended()) return;
  ending_ = Ending::stop_requested;
  switch (state_.phase) {
    case RunPhase::preparing: setup_->cancel(); break;
    case RunPhase::ready: end(Outcome::stopped); break;
    case RunPhase::running: signal_processes(stop_settings_.wait); break;
    case RunPhase::ended: break;
  }
}

// Also if it is being stopped in order.
void Supervisor::stop_at_once() {
  stop();
  if (state_.phase == RunPhase::running) kill_processes({});
}

void Supervisor::signal_processes(std::chrono::milliseconds wait) {
  // A signalled bwrap would kill the whole sandbox at once.
  signal_descendants(stop_settings_.signal, order_.sandbox ? state_.entrypoint_pid : 0);
  kill_at_ = Clock::now() + wait;
}

void Supervisor::kill_processes(std::string_view notice) {
  kill_at_.reset();
  // kill_descendants() discards exit statuses. A stopped entrypoint can't exit by itself, so its
  // status is known.
  if (!entrypoint_ended()) {
    ::kill(state_.entrypoint_pid, SIGSTOP);
    state_.exit_code = -SIGKILL;
  }
  kill_descendants();
  end(outcome_of_exit(), notice);
}

void Supervisor::end(Outcome outcome, std::string_view notice) {
  output_.write_end.reset();
  log_.redirect_stderr();
  drain_output();
  if (!notice.empty()) log_.write_notice(notice);
  log_.finish();
  state_.phase = RunPhase::ended;
  state_.outcome = outcome;
  state_.ended_ms = unix_ms();
  pause_point("end.reached");
  publish();
  pause_point("end.published");
}

}  // namespace rtenv::job
