// Reads fields of a JSON response that may have any shape. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace rtenv::remote {

/// Empty if `object` isn't an object, has no such field, or the field isn't a string.
std::string text_field(const nlohmann::json& object, const char* name);

/// A number written as a string, as Google's APIs do with 64-bit numbers; nullopt if there is none.
std::optional<std::uint64_t> number_field(const nlohmann::json& object, const char* name);

/// A whole object. `shown` names what was asked for in messages. Fails: unavailable (it was cut
/// off: worth another attempt), invalid_argument (no object).
Result<nlohmann::json> parse_json_object(std::string_view text, const std::string& shown);

}  // namespace rtenv::remote
