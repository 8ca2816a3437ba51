#include "job/foreground.hpp"

#include <poll.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/log.hpp"
#include "base/signal_fd.hpp"
#include "job/process_tree.hpp"

namespace rtenv::job {
namespace {

constexpr auto k_grace_after_sigterm = std::chrono::seconds(3);
constexpr auto k_leftover_pause = std::chrono::milliseconds(5);

// Restores the signal mask at the end of a scope. Pending signals were meant for the job: they are
// dropped first.
class RestoreSignals {
 public:
  explicit RestoreSignals(const SignalFd& signals) : signals_(signals) {}
  RestoreSignals(const RestoreSignals&) = delete;
  RestoreSignals& operator=(const RestoreSignals&) = delete;
  ~RestoreSignals() {
    while (signals_.next() != 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &signals_.previous_mask(), nullptr);
  }

 private:
  const SignalFd& signals_;
};

// Otherwise leftover processes would run in a directory that is about to be removed, and in an
// environment without a lease. Another signal shortens the grace period.
void end_leftovers(const SignalFd& signals) {
  const auto kill_at = std::chrono::steady_clock::now() + k_grace_after_sigterm;
  for (bool signalled = false; reap([](const Reaped&) {}); signalled = true) {
    if (!signalled) {
      log::info("ending {} processes that the command left running", descendants().size());
      signal_descendants(SIGTERM);
    }
    const bool interrupted = signals.next() != 0;
    if (interrupted || std::chrono::steady_clock::now() >= kill_at) return kill_descendants();
    std::this_thread::sleep_for(k_leftover_pause);
  }
}

}  // namespace

Result<ExitState> run_in_foreground(const Command& command) {
  RTENV_TRY(const SignalFd signals, SignalFd::block({SIGINT, SIGQUIT, SIGTERM, SIGHUP}));
  const RestoreSignals restore(signals);
  SpawnOptions spawn{.argv = command.argv,
                     .environment = command.environment,
                     .working_dir = command.working_dir,
                     .own_group = false,  // a group of its own would lose the terminal
                     .prepare_child = command.prepare_child,
                     .keep_fds = command.keep_fds};
  RTENV_TRY(become_reaper());
  RTENV_TRY(ChildProcess child, ChildProcess::spawn(spawn));
  for (;;) {
    std::array<pollfd, 2> entries{{{child.poll_fd(), POLLIN, 0}, {signals.poll_fd(), POLLIN, 0}}};
    if (::poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR)
      return fail_errno("wait for", command.argv.front());
    if (entries[1].revents != 0)
      for (int number = signals.next(); number != 0; number = signals.next())
        if (number == SIGTERM || number == SIGHUP) child.signal(number);
    if (entries[0].revents != 0) break;
  }
  RTENV_TRY(const ExitState state, child.wait());
  end_leftovers(signals);
  return state;
}

}  // namespace rtenv::job
