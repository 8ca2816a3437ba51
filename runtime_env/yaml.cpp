#include "runtime_env/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/stream_input.hpp"
#include "runtime_env/yaml_scalar.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr int k_max_depth = 100;
// Aliases can expand a small text to a huge value.
constexpr std::size_t k_max_nodes = 1'000'000;

class Converter {
 public:
  explicit Converter(std::string_view file_name) : file_name_(file_name) {}

  Result<json> convert(const YAML::Node& node, int depth = 0) {
    if (depth > k_max_depth) return at(node, "nested too deeply");
    if (++nodes_ > k_max_nodes) return at(node, "too large once its aliases are expanded");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null: return json();
      case YAML::NodeType::Scalar: return scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const auto& item : node) {
          RTENV_TRY(json value, convert(item, depth + 1));
          list.push_back(std::move(value));
        }
        return list;
      }
      case YAML::NodeType::Map: return map(node, depth);
    }
    return at(node, "an unknown kind of node");
  }

 private:
  [[nodiscard]] Failure at(const YAML::Node& node, std::string_view what) const {
    return fail(Errc::invalid_argument, "{}, line {}, column {}: {}", file_name_,
                node.Mark().line + 1, node.Mark().column + 1, what);
  }

  [[nodiscard]] Result<json> scalar(const YAML::Node& node) const {
    const std::string& tag = node.Tag();
    // Quoted, or tagged as a string.
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return json(node.Scalar());
    if (!tag.empty() && tag != "?" && !tag.starts_with("tag:yaml.org,2002:"))
      return at(node, fmt::format("the tag {} is unknown", tag));
    auto value = resolve_plain_scalar(node.Scalar());
    if (!value)
      return at(node, fmt::format("YAML reads {} as a date; put it in quotes", node.Scalar()));
    return std::move(*value);
  }

  Result<json> map(const YAML::Node& node, int depth) {
    json merged = json::object();
    json own = json::object();
    for (const auto& pair : node) {
      if (pair.first.IsScalar() && pair.first.Tag() == "?" && pair.first.Scalar() == "<<") {
        RTENV_TRY(const json from, convert(pair.second, depth + 1));
        const json maps = from.is_array() ? from : json::array({from});
        for (const json& item : maps) {
          if (!item.is_object()) return at(pair.second, "only a map can be merged");
          // If several maps have the key, the first one wins.
          for (const auto& [key, value] : item.items())
            if (!merged.contains(key)) merged[key] = value;
        }
        continue;
      }
      RTENV_TRY(const json key, convert(pair.first, depth + 1));
      if (!key.is_string())
        return at(pair.first,
                  fmt::format("the key {} isn't a string; put it in quotes", key.dump()));
      RTENV_TRY(own[key.get<std::string>()], convert(pair.second, depth + 1));
    }
    merged.update(own);
    return merged;
  }

  std::string_view file_name_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<json> parse_yaml(std::string_view text, std::string_view file_name) {
  try {
    return Converter(file_name).convert(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return fail(Errc::invalid_argument, "{}, line {}, column {}: {}", file_name,
                error.mark.line + 1, error.mark.column + 1, error.msg);
  }
}

Result<json> parse_json(std::string_view text, std::string_view file_name) {
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    const std::string_view before = text.substr(0, error.byte > 0 ? error.byte - 1 : 0);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto line_begin = before.rfind('\n');
    const auto column =
        before.size() - (line_begin == std::string_view::npos ? 0 : line_begin + 1) + 1;
    std::string_view reason = error.what();
    if (const auto colon = reason.find(": "); colon != std::string_view::npos)
      reason.remove_prefix(colon + 2);
    return fail(Errc::invalid_argument, "{}, line {}, column {}: {}", file_name, line, column,
                reason);
  }
}

Result<json> load_structured_file(const Path& path, const Cancellation* cancellation) {
  RTENV_TRY(const std::string text, read_file_or_stream(path, cancellation));
  return path.extension() == ".json" ? parse_json(text, path.native())
                                     : parse_yaml(text, path.native());
}

}  // namespace rtenv::runtime_env
