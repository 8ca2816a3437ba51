// Spans of time that callers give.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/duration.hpp"

namespace rtenv::api {

/// nullopt, which means for ever, also for more than k_longest_duration.
/// Fails: invalid_argument (negative).
inline Result<std::optional<std::chrono::seconds>> checked_span(
    std::optional<std::chrono::seconds> span, std::string_view name) {
  if (!span || *span > k_longest_duration) return std::optional<std::chrono::seconds>();
  if (span->count() < 0) return fail(Errc::invalid_argument, "{} is negative", name);
  return span;
}

}  // namespace rtenv::api
