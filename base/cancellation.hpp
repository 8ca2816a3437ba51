// Asks long work to stop: set from any thread or from a signal handler, polled or waited for by the
// work.
#pragma once

#include <atomic>
#include <memory>

#include "base/fd.hpp"

namespace rtenv {

class Cancellation {
 public:
  /// Fails: unavailable (no descriptor left).
  static Result<Cancellation> create();

  /// Async-signal-safe; final.
  void request() const noexcept;
  /// Cheap enough to ask for every file.
  [[nodiscard]] bool requested() const noexcept {
    return requested_->load(std::memory_order_relaxed);
  }
  /// Readable once a stop was asked for: for poll(2).
  [[nodiscard]] int poll_fd() const noexcept { return event_.get(); }

 private:
  explicit Cancellation(Fd event) : event_(std::move(event)) {}
  Fd event_;
  std::unique_ptr<std::atomic<bool>> requested_ = std::make_unique<std::atomic<bool>>(false);
  static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");
};

}  // namespace rtenv
