// The one loop that repeats failed requests, and how long it does.
//
// What counts is time without progress: RTENV_NETWORK_TIMEOUT, 30 s by default, and at least two
// attempts. Progress is what the least rate (RTENV_NETWORK_MIN_RATE, 1 KiB/s by default) would give
// in that time: a server that sends a byte for each request isn't tried forever. All requests of a
// client end by its deadline (RTENV_NETWORK_DEADLINE, a day by default), whatever progress they
// make. Pauses grow from 0.2 to 5 s and are random between half and all of that, so that many
// clients don't retry at the same moment. A server may ask for a longer pause (Retry-After), up to
// RTENV_NETWORK_TIMEOUT.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "base/environment.hpp"

namespace rtenv::remote {

struct TransferLimits {
  std::chrono::seconds timeout{30};  // without progress
  std::uint64_t min_bytes_per_second = 1024;
  std::chrono::seconds total{24 * 60 * 60};  // for all requests of a client
};

/// From the variables above. Fails: invalid_argument (not a positive number).
Result<TransferLimits> transfer_limits(const Environment& environment);

/// Why an attempt is worth another one.
struct Setback {
  std::string reason;
  std::optional<std::chrono::seconds> retry_after;
};

template <class T>
struct Attempt {
  Result<T> outcome;
  std::optional<Setback> setback = std::nullopt;  // nullopt: the outcome is final
};

/// The attempts of one request. Not thread-safe.
class Retry {
 public:
  using Clock = std::chrono::steady_clock;

  /// `cancellation` may be null.
  Retry(const TransferLimits& limits, Clock::time_point deadline, const Cancellation* cancellation)
      : limits_(limits), deadline_(deadline), cancellation_(cancellation) {}

  /// Counts bytes that no later attempt transfers again.
  void add_progress(std::uint64_t bytes) noexcept;

  /// Calls `attempt`, which returns an Attempt<T>, until its outcome is final or the time is over;
  /// returns the last outcome. Fails: cancelled (during a pause), and as `attempt`.
  template <class AttemptOnce>
  auto run(AttemptOnce attempt) -> decltype(attempt().outcome) {
    for (;;) {
      auto made = attempt();
      if (!made.setback) return std::move(made.outcome);
      RTENV_TRY(const bool again, pause(*made.setback));
      if (!again) return std::move(made.outcome);
    }
  }

  /// Sleeps and returns true, or returns false at once if the time is over. Fails: cancelled.
  Result<bool> pause(const Setback& setback);

 private:
  TransferLimits limits_;
  Clock::time_point deadline_;
  const Cancellation* cancellation_;
  // Since the last progress:
  Clock::time_point begin_ = Clock::now();
  int failures_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace rtenv::remote
