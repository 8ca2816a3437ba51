// Parses JSON from outside: what would take too much memory, time or stack is refused before any of
// it is copied. Thread-safe.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"

namespace rtenv {

struct JsonLimits {
  std::size_t depth = 64;              // of arrays and objects in each other
  std::size_t name_bytes = 4 << 10;    // of an object's member
  std::size_t string_bytes = 1 << 20;  // of a string
  std::size_t values = 100'000;        // of all kinds, also in each other
};

/// Fails: invalid_argument (it isn't JSON, or exceeds a limit; the message says where).
Result<nlohmann::json> parse_bounded_json(std::string_view text, const JsonLimits& limits = {});

}  // namespace rtenv
