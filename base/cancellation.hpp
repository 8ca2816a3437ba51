// A request to stop long-running work: made from any thread or a signal handler, checked or polled
// by the work.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

class Cancellation {
 public:
  /// Fails: unavailable (out of file descriptors).
  static Result<Cancellation> create();

  /// Async-signal-safe. Can't be undone.
  void request() const noexcept;
  /// Cheap enough to check once per file.
  [[nodiscard]] bool requested() const noexcept {
    return requested_->load(std::memory_order_relaxed);
  }
  /// For poll(2): readable once a stop was requested.
  [[nodiscard]] int poll_fd() const noexcept { return event_.get(); }

 private:
  explicit Cancellation(Fd event) : event_(std::move(event)) {}
  Fd event_;
  std::unique_ptr<std::atomic<bool>> requested_ = std::make_unique<std::atomic<bool>>(false);
  static_assert(std::atomic<bool>::is_always_lock_free, "it is set in a signal handler");
};

/// Fails: cancelled ("interrupted while {action} {object}"), if a stop was requested. Null: never.
Result<void> check_not_cancelled(const Cancellation* cancellation, std::string_view action,
                                 std::string_view object);

}  // namespace rtenv
