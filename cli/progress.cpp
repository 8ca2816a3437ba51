#include "cli/progress.hpp"

#include <unistd.h>

#include <cstdio>

#include "base/byte_size.hpp"
#include "cli/output.hpp"

namespace rtenv::cli {
namespace {

// Between two updates; a transfer shorter than this isn't shown at all.
constexpr std::chrono::milliseconds k_update_interval{100};
constexpr std::size_t k_bar_width = 30;

std::string bar(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  const std::size_t filled = total_bytes == 0
                                 ? k_bar_width
                                 : std::min(k_bar_width, done_bytes * k_bar_width / total_bytes);
  return "[" + std::string(filled, '#') + std::string(k_bar_width - filled, '.') + "] ";
}

}  // namespace

ProgressLine::ProgressLine(const Tool& tool)
    : wanted_(!tool.no_progress && !tool.quiet && ::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

void ProgressLine::show(std::string_view text) {
  if (!wanted_) return;
  print_to_stderr(fmt::format("\r\x1b[K{}", text));
  std::fflush(stderr);
  shown_ = true;
}

OnProgress ProgressLine::on_progress() {
  if (!wanted_) return {};
  return [this](const Progress& progress) { show(progress.done_bytes, progress.total_bytes); };
}

remote::OnProgress ProgressLine::callback() {
  if (!wanted_) return {};
  return [this](std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes) {
    show(done_bytes, total_bytes);
  };
}

void ProgressLine::show(std::uint64_t done_bytes, std::optional<std::uint64_t> total_bytes) {
  if (done_bytes == total_bytes) return clear();  // other messages follow
  const auto now = Clock::now();
  if (done_bytes < done_bytes_) begin_ = now;  // another object
  done_bytes_ = done_bytes;
  if (now - last_ < k_update_interval) return;
  last_ = now;
  shown_ = true;
  const std::chrono::duration<double> seconds = now - begin_;
  const auto per_second =
      static_cast<std::uint64_t>(static_cast<double>(done_bytes) / seconds.count());
  print_to_stderr(fmt::format(
      "\r\x1b[K{}{}{} {}/s", total_bytes ? bar(done_bytes, *total_bytes) : "",
      format_byte_size(done_bytes), total_bytes ? " of " + format_byte_size(*total_bytes) : "",
      format_byte_size(per_second)));
  std::fflush(stderr);
}

}  // namespace rtenv::cli
