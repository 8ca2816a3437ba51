#include "base/json_text.hpp"

#include <nlohmann/json.hpp>

namespace rtenv {

using nlohmann::json;

std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string pretty_json_text(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

json json_from_text(std::string_view text) { return json::parse(text, nullptr, false); }

}  // namespace rtenv
