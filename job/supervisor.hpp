// The supervisor of one job, in a process of its own: see supervise(). Not thread-safe.
#pragma once

#include <signal.h>

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>
#include <thread>

#include "base/pipe.hpp"
#include "base/signal_fd.hpp"
#include "job/control_socket.hpp"
#include "job/entrypoint.hpp"
#include "job/job_folder.hpp"
#include "job/job_log.hpp"
#include "job/job_order.hpp"
#include "job/setup_thread.hpp"
#include "job/supervise.hpp"

namespace rtenv::job {

/// The supervisor gets it when its guardian dies.
inline constexpr int k_guardian_death_signal = SIGUSR2;

/// One job from its order to its end. RunState::phase is its state: preparing (skipped if there is
/// nothing to prepare), ready, running, ended. Each phase can change to `ended`.
class Supervisor {
 public:
  Supervisor(JobOrder order, const SupervisorOptions& options, JobFolder folder,
             ControlSocket control, JobLog log, const SignalFd& signals);

  /// Returns when the job has ended, and that is written. Fails: unavailable (no pipe).
  Result<void> run();

 private:
  using Clock = std::chrono::steady_clock;
  // Why the supervisor ends a job that hasn't ended by itself: kept while its setup is being
  // cancelled, or while its processes have time to exit.
  enum class Ending { none, stop_requested, time_over, guardian_died };

  [[nodiscard]] bool entrypoint_ended() const noexcept { return state_.exit_code.has_value(); }
  [[nodiscard]] Outcome outcome_of_exit() const noexcept {
    if (ending_ == Ending::time_over) return Outcome::timed_out;
    return ending_ == Ending::stop_requested ? Outcome::stopped : Outcome::exited;
  }
  Result<void> begin();
  Result<void> start_setup();
  void finish_setup();
  void fail_setup(const Error& error);
  void become_ready();
  void start_entrypoint();
  [[nodiscard]] std::optional<SandboxFolders> sandbox() const;

  void wait();
  [[nodiscard]] int wait_ms() const;
  void handle_signals();
  void handle_guardian_death();
  void handle_command(const nlohmann::json& command);
  void check_deadlines();
  [[nodiscard]] bool exceeds_process_limit(Clock::time_point now);
  void reap_ended();
  bool read_output();
  void drain_output();

  void stop();
  void stop_at_once();
  void stop_for_time();
  void signal_processes(std::chrono::milliseconds wait);
  void kill_processes(std::string_view notice);
  void end(Outcome outcome, std::string_view notice = {});
  void clean_up();
  void start_spare_copy();
  void keep_end();
  void publish();
  Result<void> publish_start();

  JobOrder order_;
  const SupervisorOptions& options_;
  JobFolder folder_;
  ControlSocket control_;
  JobLog log_;
  const SignalFd& signals_;
  RunState state_;
  Pipe output_;  // its write end is closed once the entrypoint has it
  std::optional<SetupThread> setup_;
  std::optional<PreparedJob> prepared_;
  std::thread spare_copy_;  // makes a copy for the next job; joined by clean_up
  StopSettings stop_settings_;
  Ending ending_ = Ending::none;
  bool state_is_written_ = false;
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> count_at_;
  std::optional<Clock::time_point> stop_at_;
};

}  // namespace rtenv::job
