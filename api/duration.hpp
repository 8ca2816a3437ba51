// Spans of time that callers give.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::api {

/// nullopt, which means for ever, also for more than a hundred years: they don't fit into times.
/// Fails: invalid_argument (negative).
inline Result<std::optional<std::chrono::seconds>> checked_span(
    std::optional<std::chrono::seconds> span, std::string_view name) {
  constexpr std::chrono::seconds k_longest = std::chrono::hours(24 * 366 * 100);
  if (!span || *span > k_longest) return std::optional<std::chrono::seconds>();
  if (span->count() < 0) return fail(Errc::invalid_argument, "{} is negative", name);
  return span;
}

}  // namespace rtenv::api
