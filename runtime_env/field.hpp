// Reads the fields of a runtime_env with a type check. `field` is the field's path as messages show
// it, in Python's notation: "['uv']['packages']".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::runtime_env {

/// "runtime_env['uv'] must be a list of strings, got int". Never shows the value: it may be a
/// secret.
Failure wrong_type(std::string_view field, std::string_view expected, const nlohmann::json& value);

/// Fails: invalid_argument, as do the next two.
Result<std::vector<std::string>> string_list(std::string_view field, const nlohmann::json& value);
Result<std::string> string_value(std::string_view field, const nlohmann::json& value);
Result<bool> bool_value(std::string_view field, const nlohmann::json& value);

/// The error for the unknown key `key` of `field`. Its hint suggests the nearest of `candidates`,
/// or lists `supported` if none is near.
Failure unknown_field(std::string_view field, const std::string& key,
                      std::span<const std::string_view> candidates,
                      std::span<const std::string_view> supported);

/// Fails: invalid_argument if the object has a key that isn't in `known`.
Result<void> check_keys(std::string_view field, const nlohmann::json& object,
                        std::span<const std::string_view> known);

}  // namespace rtenv::runtime_env
