// A progress line on the terminal for transfers; not shown if standard error isn't a terminal.
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
  /// Shows a text instead, until `clear`.
  void show(std::string_view text);
  /// Removes the line until the next progress.
  void clear();

  /// Must not outlive this object. Empty if the line is never shown.
  [[nodiscard]] OnProgress on_progress();
  /// The same for functions of the layers.
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
