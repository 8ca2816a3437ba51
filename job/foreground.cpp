#include "job/foreground.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/log.hpp"
#include "job/process_tree.hpp"

namespace rtenv::job {
namespace {

constexpr auto k_grace_after_sigterm = std::chrono::seconds(3);
constexpr auto k_leftover_pause = std::chrono::milliseconds(5);

// Takes signals as data for as long as it lives, instead of being ended by them.
class SignalsAsData {
 public:
  SignalsAsData() {
    sigset_t taken;
    ::sigemptyset(&taken);
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) ::sigaddset(&taken, number);
    ::pthread_sigmask(SIG_BLOCK, &taken, &before_);
    fd_ = Fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  SignalsAsData(const SignalsAsData&) = delete;
  SignalsAsData& operator=(const SignalsAsData&) = delete;
  ~SignalsAsData() {
    while (next() != 0) {
    }  // of the job's, not of ours
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  [[nodiscard]] int poll_fd() const noexcept { return fd_.get(); }
  /// The next signal's number, or 0.
  [[nodiscard]] int next() const noexcept {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo)
                                                                : 0;
  }

 private:
  sigset_t before_{};
  Fd fd_;
};

// What the command left behind would run on in a directory that is about to be removed, in an
// environment that nobody holds.
void end_leftovers(const SignalsAsData& signals) {
  const auto kill_at = std::chrono::steady_clock::now() + k_grace_after_sigterm;
  for (bool told = false; reap([](const Reaped&) {}); told = true) {
    if (!told) {
      log::info("ending what the command left behind: {} processes", descendants().size());
      signal_descendants(SIGTERM);
    }
    const bool interrupted = signals.next() != 0;
    if (interrupted || std::chrono::steady_clock::now() >= kill_at) return kill_descendants();
    std::this_thread::sleep_for(k_leftover_pause);
  }
}

}  // namespace

Result<ExitState> run_in_foreground(const Command& command) {
  const SignalsAsData signals;
  SpawnOptions spawn{.argv = command.argv,
                     .environment = command.environment,
                     .working_dir = command.working_dir,
                     .own_group = false,  // a group of its own would lose the terminal
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
