// Reading a field of an answer that may be anything.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rtenv::remote {

/// Empty where `object` isn't one, has no such field, or it isn't a string.
inline std::string text_field(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace rtenv::remote
