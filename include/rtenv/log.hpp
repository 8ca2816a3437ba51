// Messages while rtenv works, such as a retry or a file that can't be removed: they go to one
// function of the process. Without one, warnings go to standard error. Messages contain no secrets.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "rtenv/export.hpp"

namespace rtenv::log {

enum class Level : std::uint8_t { debug, info, warning };

/// Several threads may call it at once, also before a call of rtenv's ends that they are in. What
/// it throws is dropped.
using Sink = std::function<void(Level level, std::string_view message)>;

/// Messages from `least` on go to the sink; an empty one drops all. Another thread may still be in
/// a call of the previous one. Thread-safe.
RTENV_API void set_sink(Level least, Sink sink);

}  // namespace rtenv::log
