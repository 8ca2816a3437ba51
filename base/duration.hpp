// Durations as users write them: "90s", "10m", "2h", "30d".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv {

/// Further ones don't fit into times.
inline constexpr std::chrono::seconds k_longest_duration = std::chrono::hours(24 * 366 * 100);

/// A whole number with s, m, h or d; without a letter: seconds. Fails: invalid_argument.
Result<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace rtenv
