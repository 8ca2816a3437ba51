#include "base/signal_fd.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace rtenv {

Result<SignalFd> SignalFd::block(std::initializer_list<int> numbers) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  for (const int number : numbers) ::sigaddset(&blocked, number);
  Fd fd(::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("watch", "signals");
  sigset_t previous_mask;
  ::pthread_sigmask(SIG_BLOCK, &blocked, &previous_mask);
  return SignalFd(std::move(fd), previous_mask);
}

int SignalFd::next() const noexcept {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace rtenv
