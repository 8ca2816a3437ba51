// Log lines, on standard error, through spdlog's default logger: an embedding program may replace that.
// Nothing secret is ever logged: no environment values, no query strings, no credentials.
#pragma once

#include <spdlog/spdlog.h>

#include <utility>

namespace rtenv::log {

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::debug(format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::info(format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  spdlog::warn(format, std::forward<Args>(args)...);
}

enum class Verbosity { quiet, normal, verbose };

/// Sets up the tool's own style: plain lines on standard error, "rtenv: warning: …". Called once, by main.
void configure(Verbosity verbosity);

}  // namespace rtenv::log
