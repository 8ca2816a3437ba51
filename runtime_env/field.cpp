#include "runtime_env/field.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// Python's names of the types: users know runtime_envs from Python.
std::string_view type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "None";
    case json::value_t::object: return "dict";
    case json::value_t::array: return "list";
    case json::value_t::string: return "str";
    case json::value_t::boolean: return "bool";
    case json::value_t::number_float: return "float";
    default: return "int";
  }
}

}  // namespace

Failure wrong_type(std::string_view field, std::string_view expected, const json& value) {
  return fail(Errc::invalid_argument, "runtime_env{} must be {}, got {}", field, expected,
              type_name(value));
}

Result<std::vector<std::string>> string_list(std::string_view field, const json& value) {
  if (!value.is_array()) return wrong_type(field, "a list of strings", value);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_string())
      return wrong_type(fmt::format("{}[{}]", field, i), "a string", value[i]);
    list.push_back(value[i].get<std::string>());
  }
  return list;
}

Result<std::string> string_value(std::string_view field, const json& value) {
  if (!value.is_string()) return wrong_type(field, "a string", value);
  return value.get<std::string>();
}

Result<bool> bool_value(std::string_view field, const json& value) {
  if (!value.is_boolean()) return wrong_type(field, "a boolean", value);
  return value.get<bool>();
}

Failure unknown_field(std::string_view field, const std::string& key,
                      std::span<const std::string_view> candidates,
                      std::span<const std::string_view> supported) {
  auto failure =
      fail(Errc::invalid_argument, "runtime_env{} has an unknown field '{}'", field, key);
  if (const auto suggestion = nearest(key, candidates))
    return std::move(failure).hint("did you mean '{}'?", *suggestion);
  return std::move(failure).hint("supported fields: {}", fmt::join(supported, ", "));
}

Result<void> check_keys(std::string_view field, const json& object,
                        std::span<const std::string_view> known) {
  for (const auto& [key, unused] : object.items())
    if (std::ranges::find(known, key) == known.end())
      return unknown_field(field, key, known, known);
  return {};
}

}  // namespace rtenv::runtime_env
