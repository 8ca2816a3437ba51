// What a plain YAML scalar means to PyYAML's SafeLoader (resolver.py, constructor.py).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace rtenv::runtime_env {

/// Null, boolean, integer, float or string. Nothing for a date: JSON has none, and no field takes
/// one.
std::optional<nlohmann::json> resolve_plain_scalar(const std::string& text);

}  // namespace rtenv::runtime_env
