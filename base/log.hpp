// Messages while rtenv works: they go to the sink of include/rtenv/log.hpp. Thread-safe. Never log
// secrets: no values of environment variables, no query strings of URLs, no credentials.
//
//   log::warn("{}: retrying in {} s", uri.shown(), delay_s);
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "rtenv/log.hpp"

namespace rtenv::log {

/// Whether messages of this level go anywhere. `debug`, `info` and `warn` don't format their
/// arguments otherwise; call it only to avoid computing them.
bool is_shown(Level level);
/// Logs a message as it is, without formatting.
void emit(Level level, std::string_view message);

template <class... Args>
void emit_formatted(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (is_shown(level))
    emit(level, std::string_view(fmt::format(format, std::forward<Args>(args)...)));
}
/// Details for debugging.
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::debug, format, std::forward<Args>(args)...);
}
/// Messages shown by default, such as the progress of long operations.
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::info, format, std::forward<Args>(args)...);
}
/// Something is wrong, but the operation goes on. Failures are returned as an Error, not logged.
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  emit_formatted(Level::warning, format, std::forward<Args>(args)...);
}

/// A sink that writes lines such as "rtenv: warning: …" to standard error, each by one write.
Sink to_standard_error();

}  // namespace rtenv::log
