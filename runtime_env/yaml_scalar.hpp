// The value of a plain (unquoted) YAML scalar, as PyYAML's SafeLoader resolves it (resolver.py,
// constructor.py).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace rtenv::runtime_env {

/// Null, boolean, integer, float or string. Returns nullopt for a date: JSON has no dates, and no
/// field of a runtime_env is one.
std::optional<nlohmann::json> resolve_plain_scalar(const std::string& text);

}  // namespace rtenv::runtime_env
