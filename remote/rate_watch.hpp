// Whether a transfer keeps the least rate (TransferLimits): all bytes count, those of headers, of
// wanted and of unwanted bodies, in both directions. Not thread-safe.
#pragma once

#include "remote/retry.hpp"

namespace rtenv::remote {

class RateWatch {
 public:
  using Clock = Retry::Clock;

  /// The first window begins now.
  explicit RateWatch(const TransferLimits& limits, Clock::time_point now = Clock::now())
      : window_(limits.timeout),
        bytes_of_window_(limits.min_bytes_per_second *
                         static_cast<std::uint64_t>(limits.timeout.count())),
        begin_(now) {}

  /// Counts bytes; a window with enough of them is followed by the next one.
  void add(std::uint64_t bytes, Clock::time_point now) noexcept {
    bytes_ += bytes;
    if (bytes_ >= bytes_of_window_) begin_window(now);
  }

  /// A server may take its time for the response, and then again for the first bytes of it. Counts
  /// once: a chain of redirects has one window more, however long it is.
  void begin_response(Clock::time_point now) noexcept {
    if (!has_response_) begin_window(now);
    has_response_ = true;
  }

  /// Time in which this program was waited for doesn't count.
  void exclude(Clock::duration time) noexcept { begin_ += time; }

  /// Whether a window has ended without enough bytes.
  [[nodiscard]] bool is_too_slow(Clock::time_point now) const noexcept {
    return now - begin_ >= window_;
  }

 private:
  void begin_window(Clock::time_point now) noexcept {
    begin_ = now;
    bytes_ = 0;
  }

  Clock::duration window_;
  std::uint64_t bytes_of_window_;
  Clock::time_point begin_;
  std::uint64_t bytes_ = 0;
  bool has_response_ = false;
};

}  // namespace rtenv::remote
