#include "job/supervise.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/fault_point.hpp"
#include "base/json_text.hpp"
#include "base/log.hpp"
#include "base/signal_fd.hpp"
#include "job/control_socket.hpp"
#include "job/guardian.hpp"
#include "job/job_folder.hpp"
#include "job/job_log.hpp"
#include "job/job_order.hpp"
#include "job/process_tree.hpp"
#include "job/supervisor.hpp"

namespace rtenv::job {
namespace {

// Reads the first line; `lines` keeps the rest.
Result<JobOrder> read_order(const Fd& control, LineBuffer& lines) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(control.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return fail(Errc::cancelled, "the server closed the connection before it sent the job order");
    lines.add(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    if (const auto line = lines.next()) return job_order_from_json(json_from_text(*line));
  }
}

Result<void> supervise_job(const SupervisorOptions& options, const JobFolder& folder, Fd control,
                           const SignalFd& signals) {
  LineBuffer lines;
  RTENV_TRY(auto order, read_order(control, lines));
  order.run = folder.run();
  RTENV_TRY(fault_point("order.received"));
  // A server that was killed before it recorded the start may order a job again: a job never runs
  // twice.
  RTENV_TRY(const auto before, folder.read_state());
  if (before && has_run(*before)) return {};
  RTENV_TRY(auto socket,
            ControlSocket::listen(folder.control(), std::move(control), std::move(lines)));
  RTENV_TRY(auto log, JobLog::open(folder.log(), order.log));
  RTENV_TRY(fault_point("log.opened"));
  return Supervisor(std::move(order), options, folder, std::move(socket), std::move(log), signals)
      .run();
}

// Without a state in the folder, nothing says later that nothing has run: the server is told now.
void report_failed_start(const Fd& control, const Error& error) {
  RunState state;
  state.phase = RunPhase::ended;
  state.outcome = outcome_of_failed_start(error);
  state.error = error.message();
  [[maybe_unused]] const auto written =
      write_full(control, json_text(to_json(state)) + "\n", "the control socket");
}

Result<void> run_supervisor(const SupervisorOptions& options, const JobFolder& folder, Fd control,
                            const SignalFd& signals) {
  const Fd for_report(::fcntl(control.get(), F_DUPFD_CLOEXEC, 3));
  auto done = supervise_job(options, folder, std::move(control), signals);
  if (!done) report_failed_start(for_report, done.error());
  return done;
}

}  // namespace

int supervise(const SupervisorOptions& options, const Path& folder, Fd control, Fd lock) {
  for (const int fd : {control.get(), lock.get()}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::signal(SIGPIPE, SIG_IGN);
  const auto signals = SignalFd::block({SIGTERM, SIGINT, SIGHUP, SIGCHLD, k_guardian_death_signal});
  if (!signals) return 1;
  ::setsid();
  if (!become_reaper()) return 1;

  const JobFolder job_folder{folder};
  const pid_t guardian = ::getpid();
  const pid_t supervisor = ::fork();
  if (supervisor < 0) return 1;
  if (supervisor > 0) return guard(supervisor, job_folder, std::move(control), *signals);
  ::prctl(PR_SET_PDEATHSIG, k_guardian_death_signal);
  if (::getppid() != guardian) return 1;
  if (!become_reaper()) return 1;
  const auto done = run_supervisor(options, job_folder, std::move(control), *signals);
  if (!done) log::warn("{}", done.error().message());
  return done ? 0 : 1;
}

}  // namespace rtenv::job
