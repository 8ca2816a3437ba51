// Pauses between attempts: each twice as long as the one before, at random between half and all of
// that, so that many clients of a server in trouble don't come back at once.
#pragma once

#include <chrono>
#include <optional>

#include "base/cancellation.hpp"
#include "base/result.hpp"

namespace rtenv::remote {

class Backoff {
 public:
  static constexpr int k_max_attempts = 5;

  explicit Backoff(const Cancellation* cancellation) : cancellation_(cancellation) {}

  /// Sleeps, and says true; false where it is time to give up. `retry_after`: what the server asked
  /// for, at most 30 s. Fails: cancelled.
  Result<bool> pause(std::optional<std::chrono::seconds> retry_after = std::nullopt);
  /// Something has moved: the attempts begin anew.
  void reset() noexcept { attempts_ = 1; }

 private:
  const Cancellation* cancellation_;
  int attempts_ = 1;
};

}  // namespace rtenv::remote
