// YAML and JSON text to one kind of value. YAML is read as PyYAML's safe_load reads it (YAML 1.1),
// because that is what Ray uses: yes/no/on/off are booleans, 010 is octal, 1:30 is a number in base
// 60, "<<" merges.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv::runtime_env {

/// `source` is the file's name for messages, which give line and column.
/// Fails: invalid_argument.
Result<nlohmann::json> parse_yaml(std::string_view text, std::string_view source);
Result<nlohmann::json> parse_json(std::string_view text, std::string_view source);

/// By the file's extension: .json is JSON, everything else YAML.
Result<nlohmann::json> load_structured_file(const Path& path);

}  // namespace rtenv::runtime_env
