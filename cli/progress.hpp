// A line on the terminal that says how much of a transfer is done; nothing where standard error
// isn't a terminal.
#pragma once

#include <chrono>
#include <string>

#include "cli/tool.hpp"
#include "remote/download.hpp"

namespace rtenv::cli {

class ProgressLine {
 public:
  explicit ProgressLine(const Tool& tool);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }
  /// Takes the line away, until there is more to tell.
  void clear();

  /// Must not outlive this object. Empty where nothing is shown.
  [[nodiscard]] remote::OnProgress callback();

 private:
  void show(std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes);

  using Clock = std::chrono::steady_clock;
  bool wanted_;
  bool shown_ = false;
  std::uint64_t done_bytes_ = 0;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_ = begin_;
};

}  // namespace rtenv::cli
