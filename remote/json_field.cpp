#include "remote/json_field.hpp"

#include <nlohmann/json.hpp>

#include "base/decimal.hpp"
#include "base/json_text.hpp"
#include "base/text.hpp"
#include "remote/transfer_error.hpp"

namespace rtenv::remote {

std::string text_field(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> number_field(const nlohmann::json& object, const char* name) {
  return parse_decimal(text_field(object, name));
}

Result<nlohmann::json> parse_json_object(std::string_view text, const std::string& shown) {
  nlohmann::json object = json_from_text(text);
  if (object.is_object()) return object;
  const std::string_view begin = trim(text);
  if (object.is_discarded() && (begin.empty() || begin.front() == '{')) return fail_cut_off(shown);
  return fail_other_document(shown, "a JSON object");
}

}  // namespace rtenv::remote
