#include "base/log.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>

#include "base/text.hpp"

namespace rtenv::log {
namespace {

std::atomic<Level> g_least{Level::warning};

struct Current {
  std::mutex mutex;
  std::shared_ptr<const Sink> sink = std::make_shared<const Sink>(to_standard_error());
};

// Never destroyed: threads may log while the process ends.
Current& current() {
  static Current& current = *new Current;
  return current;
}

std::string_view prefix(Level level) {
  switch (level) {
    case Level::debug: return "debug: ";
    case Level::warning: return "warning: ";
    default: return "";
  }
}

}  // namespace

void set_sink(Level least, Sink sink) {
  auto shared = std::make_shared<const Sink>(std::move(sink));
  const std::lock_guard lock(current().mutex);
  current().sink = std::move(shared);
  g_least = least;
}

bool is_shown(Level level) noexcept { return level >= g_least; }

void emit(Level level, std::string_view message) noexcept {
  if (!is_shown(level)) return;
  try {
    std::shared_ptr<const Sink> sink;
    {
      const std::lock_guard lock(current().mutex);
      sink = current().sink;
    }
    if (*sink) (*sink)(level, message);
  } catch (...) {
    // Of the sink, or there is no memory: the message is lost.
  }
}

void emit_formatted(Level level, fmt::string_view format, fmt::format_args arguments) noexcept {
  if (!is_shown(level)) return;
  fmt::memory_buffer message;
  fmt::string_view text = format;
  try {
    fmt::vformat_to(fmt::appender(message), format, arguments);
    text = {message.data(), message.size()};
  } catch (...) {
    // No memory.
  }
  emit(level, {text.data(), text.size()});
}

Sink to_standard_error() {
  return [](Level level, std::string_view message) {
    const std::string line = fmt::format("rtenv: {}{}\n", prefix(level), terminal_text(message));
    std::fwrite(line.data(), 1, line.size(), stderr);
  };
}

}  // namespace rtenv::log
