// Reads fields of a JSON response that may have any shape. Thread-safe: no state.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace rtenv::remote {

/// Empty if `object` isn't an object, has no such field, or the field isn't a string.
std::string text_field(const nlohmann::json& object, const char* name);

/// A number written as a string, as Google's APIs do with 64-bit numbers; 0 if there is none.
std::uint64_t number_field(const nlohmann::json& object, const char* name);

}  // namespace rtenv::remote
