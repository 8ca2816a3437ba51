// Serializes and parses JSON, with the library's templates instantiated only once. Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace rtenv {

/// JSON on one line. Bytes that aren't valid UTF-8 (file names, output of jobs) become U+FFFD.
std::string json_text(const nlohmann::json& value);
/// The same on several lines, indented by two spaces.
std::string pretty_json_text(const nlohmann::json& value);

/// If `text` isn't valid JSON, returns a `discarded` value: all of its is_…() but is_discarded()
/// are false.
nlohmann::json json_from_text(std::string_view text);

}  // namespace rtenv
