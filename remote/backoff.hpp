// Pauses between attempts: exponential backoff with jitter (between half and all of the pause), so
// that many clients don't retry at the same moment.
#pragma once

#include <chrono>
#include <optional>

#include "base/cancellation.hpp"
#include "base/result.hpp"

namespace rtenv::remote {

class Backoff {
 public:
  static constexpr int k_max_attempts = 5;

  /// `cancellation` may be null.
  explicit Backoff(const Cancellation* cancellation) : cancellation_(cancellation) {}

  /// Sleeps and returns true, or returns false at once if no attempt is left. `retry_after`: the
  /// minimum that the server requests, capped at 30 s. Fails: cancelled.
  Result<bool> pause(std::optional<std::chrono::seconds> retry_after = std::nullopt);
  /// Allows all attempts again, after progress.
  void reset() noexcept { attempts_ = 1; }

 private:
  const Cancellation* cancellation_;
  int attempts_ = 1;
};

}  // namespace rtenv::remote
