// Cancels work that makes no progress for a time, or whose parent cancellation is requested.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "base/cancellation.hpp"

namespace rtenv::cache {

class Watchdog {
 public:
  /// `parent` may be null. Fails: unavailable (no descriptor left).
  static Result<std::unique_ptr<Watchdog>> start(std::chrono::milliseconds timeout,
                                                 const Cancellation* parent);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// The cancellation that the work must observe.
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return &cancellation_; }
  /// Reports progress: restarts the timeout, and ends a pause.
  void touch() noexcept {
    last_touch_ = Clock::now();
    paused_ = false;
  }
  /// Suspends the timeout until the next `touch`.
  void pause() noexcept { paused_ = true; }
  /// Whether the timeout cancelled the work, rather than its parent.
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

 private:
  using Clock = std::chrono::steady_clock;
  Watchdog(std::chrono::milliseconds timeout, Cancellation own, Cancellation stop)
      : timeout_(timeout), cancellation_(std::move(own)), stop_(std::move(stop)) {}
  void watch();

  std::chrono::milliseconds timeout_;
  Cancellation cancellation_;
  Cancellation stop_;  // ends the watchdog's thread
  std::atomic<Clock::time_point> last_touch_{Clock::now()};
  std::atomic<bool> paused_{false};
  std::atomic<bool> timed_out_{false};
  std::thread thread_;
};

}  // namespace rtenv::cache
