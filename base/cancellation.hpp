// Asks long work to stop: set from any thread or from a signal handler, polled or waited for by the work.
#pragma once

#include "base/fd.hpp"

namespace rtenv {

class Cancellation {
 public:
  /// Fails: unavailable (no descriptor left).
  static Result<Cancellation> create();

  /// Async-signal-safe; final.
  void request() const noexcept;
  [[nodiscard]] bool requested() const noexcept;
  /// Readable once a stop was asked for: for poll(2).
  [[nodiscard]] int poll_fd() const noexcept { return event_.get(); }

 private:
  explicit Cancellation(Fd event) : event_(std::move(event)) {}
  Fd event_;
};

}  // namespace rtenv
