#include "job/guardian.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <optional>

#include "base/clock.hpp"
#include "base/fault_point.hpp"
#include "base/log.hpp"
#include "job/process_tree.hpp"

namespace rtenv::job {
namespace {

// Returns the supervisor's wait status. SIGTERM for this process is meant for the job.
int wait_for_supervisor(pid_t supervisor, const SignalFd& signals) {
  std::optional<int> status;
  while (!status) {
    pollfd entry{signals.poll_fd(), POLLIN, 0};
    ::poll(&entry, 1, -1);
    for (int number = signals.next(); number != 0; number = signals.next())
      if (number == SIGTERM) ::kill(supervisor, SIGTERM);
    reap([&](const Reaped& reaped) {
      if (reaped.pid == supervisor) status = reaped.status;
    });
  }
  return *status;
}

}  // namespace

int guard(pid_t supervisor, const JobFolder& folder, Fd control, const SignalFd& signals) {
  const int status = wait_for_supervisor(supervisor, signals);
  pause_point("supervisor.ended");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  kill_descendants();
  // Standard error is still the server's.
  const auto warn = [](const Error& error) { log::warn("{}", error.message()); };
  auto state = folder.read_state();
  if (!state) warn(state.error());
  // Before that phase no part of the job has run: another supervisor may start it.
  if (state && *state && (*state)->phase == RunPhase::running) {
    (*state)->phase = RunPhase::ended;
    (*state)->outcome = Outcome::died;
    (*state)->ended_ms = unix_ms();
    if (const auto written = folder.write_state(**state); !written) warn(written.error());
  }
  control.reset();
  return 1;
}

}  // namespace rtenv::job
