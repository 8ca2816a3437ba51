// Parses YAML and JSON into one kind of value. YAML is read as PyYAML's safe_load reads it (YAML
// 1.1), because Ray uses it: yes/no/on/off are booleans, 010 is octal, 1:30 is a number in base 60,
// "<<" merges maps.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"

namespace rtenv::runtime_env {

/// `file_name` is for messages, which give line and column.
/// Fails: invalid_argument.
Result<nlohmann::json> parse_yaml(std::string_view text, std::string_view file_name);
Result<nlohmann::json> parse_json(std::string_view text, std::string_view file_name);

/// A file with the extension .json is JSON, any other is YAML.
/// `cancellation` ends waiting for a pipe and may be null. Fails: as read_file_or_stream;
/// invalid_argument.
Result<nlohmann::json> load_structured_file(const Path& path,
                                            const Cancellation* cancellation = nullptr);

}  // namespace rtenv::runtime_env
