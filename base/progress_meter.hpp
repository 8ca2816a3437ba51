// Counts the bytes of work that takes long, and reports them from time to time. Thread-safe.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace rtenv {

class ProgressMeter {
 public:
  using Report =
      std::function<void(std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes)>;

  /// `report` is called by one thread at a time; empty: nothing is counted.
  explicit ProgressMeter(Report report) : report_(std::move(report)) {}

  /// Call before the first `add`. Without it, the total is unknown.
  void expect(std::uint64_t total_bytes) { total_bytes_ = total_bytes; }

  void add(std::uint64_t bytes) {
    if (!report_) return;
    done_bytes_ += bytes;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || Clock::now() - last_ < k_interval) return;
    report();
  }

  /// Reports the end.
  void finish() {
    if (!report_) return;
    const std::lock_guard lock(mutex_);
    report();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds k_interval{1};

  void report() {
    // What changes while it is read is counted twice.
    const std::uint64_t done = done_bytes_;
    report_(total_bytes_ ? std::min(done, *total_bytes_) : done, total_bytes_);
    last_ = Clock::now();
  }

  Report report_;
  std::optional<std::uint64_t> total_bytes_;
  std::atomic<std::uint64_t> done_bytes_ = 0;
  std::mutex mutex_;
  Clock::time_point last_;  // guarded by mutex_
};

}  // namespace rtenv
