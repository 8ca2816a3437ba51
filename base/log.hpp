// Log lines, on standard error, through spdlog's default logger: an embedding program may replace
// that. Nothing secret is ever logged: no environment values, no query strings, no credentials.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace rtenv::log {

enum class Level : std::uint8_t { debug, info, warning };

/// False where nobody would see it: then nothing is formatted.
bool is_shown(Level level);
void emit(Level level, std::string_view message);

template <class... Args>
void emit_formatted(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_shown(level))
    emit(level, std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::warning, format, std::forward<Args>(args)...);
}

enum class Verbosity { quiet, normal, verbose };

/// Sets up the tool's own style: plain lines on standard error, "rtenv: warning: …". Called once,
/// by main.
void configure(Verbosity verbosity);

}  // namespace rtenv::log
