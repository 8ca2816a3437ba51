// Messages while rtenv works: they go to the sink of include/rtenv/log.hpp. Thread-safe. Never log
// secrets: no values of environment variables, no query strings of URLs, no credentials.
// Destructors log, too: nothing here throws.
//
//   log::warn("{}: retrying in {} s", uri.shown(), delay_s);
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "rtenv/log.hpp"

namespace rtenv::log {

/// Whether messages of this level go anywhere. `debug`, `info` and `warn` don't format their
/// arguments otherwise; call it only to avoid computing them.
bool is_shown(Level level) noexcept;
/// Logs a message as it is, without formatting. What the sink throws is ignored.
void emit(Level level, std::string_view message) noexcept;
/// If there is no memory for that, the message is the format.
void emit_formatted(Level level, fmt::string_view format, fmt::format_args arguments) noexcept;

/// Details for debugging.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) noexcept {
  emit_formatted(Level::debug, format, fmt::make_format_args(args...));
}
/// Messages shown by default, such as the progress of long operations.
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) noexcept {
  emit_formatted(Level::info, format, fmt::make_format_args(args...));
}
/// Something is wrong, but the operation goes on. Failures are returned as an Error, not logged.
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) noexcept {
  emit_formatted(Level::warning, format, fmt::make_format_args(args...));
}

/// A sink that writes lines such as "rtenv: warning: …" to standard error, each by one write.
Sink to_standard_error();

}  // namespace rtenv::log
