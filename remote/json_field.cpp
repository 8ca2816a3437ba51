#include "remote/json_field.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace rtenv::remote {

std::string text_field(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_field(const nlohmann::json& object, const char* name) {
  const std::string text = text_field(object, name);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace rtenv::remote
