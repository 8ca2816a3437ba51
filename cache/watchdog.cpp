#include "cache/watchdog.hpp"

#include <poll.h>

#include "base/thread.hpp"

namespace rtenv::cache {

Result<std::unique_ptr<Watchdog>> Watchdog::start(std::chrono::milliseconds timeout,
                                                  const Cancellation* parent) {
  auto own = parent != nullptr ? Cancellation::create_below(*parent) : Cancellation::create();
  if (!own) return Failure(own.error());
  RTENV_TRY(auto stop, Cancellation::create());
  std::unique_ptr<Watchdog> watchdog(new Watchdog(timeout, *std::move(own), std::move(stop)));
  RTENV_TRY(watchdog->thread_, start_thread([watched = watchdog.get()] { watched->watch(); }));
  return watchdog;
}

Watchdog::~Watchdog() {
  stop_.request();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::watch() {
  pollfd stopped{.fd = stop_.poll_fd(), .events = POLLIN, .revents = 0};
  for (;;) {
    if (paused_) last_touch_ = Clock::now();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        last_touch_.load() + timeout_ - Clock::now());
    if (left.count() <= 0) {
      timed_out_ = true;
      break;
    }
    ::poll(&stopped, 1, static_cast<int>(left.count()) + 1);
    if (stop_.requested()) return;
  }
  cancellation_.request();
}

}  // namespace rtenv::cache
