// What a thread waits for deep below a call, such as a lock of the cache's ledger, must end with
// the call. It isn't a parameter of every function on the way there.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/cancellation.hpp"

namespace rtenv {

/// While it exists, this thread doesn't wait longer than it says; without one, it can't be stopped.
/// Of several, the innermost one's cancellation and the earliest deadline count.
class WaitScope {
 public:
  using Clock = std::chrono::steady_clock;
  /// The patience of what cleans up.
  static constexpr std::chrono::milliseconds k_clean_up{500};

  /// Until the cancellation is requested. Null: as without a scope.
  explicit WaitScope(const Cancellation* cancellation) noexcept
      : WaitScope(cancellation, Clock::time_point::max()) {}
  /// For work that a stopped call does, too.
  explicit WaitScope(std::chrono::milliseconds patience) noexcept
      : WaitScope(nullptr, Clock::now() + patience) {}
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;
  ~WaitScope() { innermost_ = outer_; }

  /// Whether to go on waiting. Fails: cancelled, unavailable (out of patience).
  static Result<void> check(std::string_view awaited) {
    if (innermost_ == nullptr) return {};
    if (Clock::now() >= innermost_->deadline_)
      return fail(Errc::unavailable, "{} is locked for too long", awaited);
    return check_not_cancelled(innermost_->cancellation_, "waiting for", awaited);
  }
  /// For work that takes long. May be null.
  static const Cancellation* cancellation() noexcept {
    return innermost_ != nullptr ? innermost_->cancellation_ : nullptr;
  }
  static bool is_over() noexcept {
    return innermost_ != nullptr &&
           (Clock::now() >= innermost_->deadline_ ||
            (innermost_->cancellation_ != nullptr && innermost_->cancellation_->requested()));
  }
  /// Ends early if the cancellation is requested.
  static void sleep(std::chrono::milliseconds time) noexcept {
    const Cancellation* const stop = innermost_ != nullptr ? innermost_->cancellation_ : nullptr;
    pollfd stopped{.fd = stop != nullptr ? stop->poll_fd() : -1, .events = POLLIN, .revents = 0};
    ::poll(&stopped, 1, static_cast<int>(time.count()));
  }

 private:
  WaitScope(const Cancellation* cancellation, Clock::time_point deadline) noexcept
      : cancellation_(cancellation),
        deadline_(innermost_ != nullptr ? std::min(deadline, innermost_->deadline_) : deadline),
        outer_(std::exchange(innermost_, this)) {}

  static inline thread_local const WaitScope* innermost_ = nullptr;
  const Cancellation* cancellation_;
  Clock::time_point deadline_;
  const WaitScope* outer_;
};

}  // namespace rtenv
