#include "base/exit_state.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace rtenv {
namespace {

// Of linux/pidfd.h, which is newer than the headers of Debian 12.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t wait_status;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long k_get_info = _IOWR(0xff, 11, PidfdInfo);  // PIDFD_GET_INFO
constexpr std::uint64_t k_exit = 8;                               // PIDFD_INFO_EXIT

Result<ExitState> state_of_reaped(const Fd& pidfd) {
  // The thread that reaps it may not be done yet.
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) continue;
  PidfdInfo info{};
  info.mask = k_exit;
  if (::ioctl(pidfd.get(), k_get_info, &info) != 0 || (info.mask & k_exit) == 0)
    return fail(Errc::internal, "how a program ended isn't known")
        .hint(
            "this process ignores SIGCHLD or waits for all of its children, which needs Linux "
            "6.15 or later");
  if (WIFSIGNALED(info.wait_status)) return ExitState{.signal = WTERMSIG(info.wait_status)};
  return ExitState{.exit_code = WEXITSTATUS(info.wait_status)};
}

}  // namespace

std::string ExitState::describe() const {
  if (signal == 0) return fmt::format("exit code {}", exit_code);
  return fmt::format("signal {} ({})", signal, ::strsignal(signal));
}

Result<ExitState> wait_for_exit(const Fd& pidfd) {
  siginfo_t info{};
  int waited = -1;
  do waited = ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED);
  while (waited != 0 && errno == EINTR);
  if (waited != 0 && errno == ECHILD) return state_of_reaped(pidfd);
  if (waited != 0) return fail_errno("wait for", "a process");
  if (info.si_code == CLD_EXITED) return ExitState{.exit_code = info.si_status};
  return ExitState{.signal = info.si_status};
}

}  // namespace rtenv
