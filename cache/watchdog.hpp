// Ends work that doesn't move: its cancellation is requested when nothing was heard of for a time,
// or when the one it belongs to is. Thread-safe.
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
  static Result<std::unique_ptr<Watchdog>> start(std::chrono::milliseconds patience,
                                                 const Cancellation* parent);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// For the work.
  [[nodiscard]] const Cancellation* cancellation() const noexcept { return &cancellation_; }
  /// The work moves, or begins again.
  void touch() noexcept {
    last_touch_ = Clock::now();
    paused_ = false;
  }
  /// Until the next `touch`, nothing needs to be heard.
  void pause() noexcept { paused_ = true; }
  /// Whether it is the watchdog that ended the work, not its parent.
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

 private:
  using Clock = std::chrono::steady_clock;
  Watchdog(std::chrono::milliseconds patience, const Cancellation* parent, Cancellation own,
           Cancellation stop)
      : patience_(patience),
        parent_(parent),
        cancellation_(std::move(own)),
        stop_(std::move(stop)) {}
  void watch();

  std::chrono::milliseconds patience_;
  const Cancellation* parent_;
  Cancellation cancellation_;
  Cancellation stop_;  // of the watchdog itself
  std::atomic<Clock::time_point> last_touch_{Clock::now()};
  std::atomic<bool> paused_{false};
  std::atomic<bool> timed_out_{false};
  std::thread thread_;
};

}  // namespace rtenv::cache
