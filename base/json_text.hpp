// JSON to text and back. The library's templates are instantiated here, once, not in every file
// that reads or writes JSON. Thread-safe: no state.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace rtenv {

/// On one line. Bytes that aren't UTF-8 (file names, a job's words) become U+FFFD: JSON has no
/// other way.
std::string json_text(const nlohmann::json& value);
/// The same on several lines, indented by two spaces: for people.
std::string pretty_json_text(const nlohmann::json& value);

/// `discarded`, which is neither an object nor anything else, where it isn't JSON.
nlohmann::json json_from_text(std::string_view text);

}  // namespace rtenv
