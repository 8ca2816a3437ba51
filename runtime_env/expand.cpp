#include "runtime_env/expand.hpp"

namespace rtenv::runtime_env {
namespace {

bool is_name_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

struct Reference {
  std::string_view name;
  std::size_t bytes = 0;  // including the '$' and the brackets
};

// Reads the reference at the beginning of the text. Requires: text[0] is '$'.
std::optional<Reference> read_reference(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  if (text[1] == '{') {
    const auto end = text.find('}', 2);
    if (end == std::string_view::npos) return std::nullopt;
    return Reference{text.substr(2, end - 2), end + 1};
  }
  if (text[1] == '<') {
    const auto end = text.find('>', 2);
    if (end == std::string_view::npos || text.substr(2, end - 2) != k_working_dir_variable)
      return std::nullopt;
    return Reference{text.substr(2, end - 2), end + 1};
  }
  std::size_t end = 1;
  while (end < text.size() && is_name_character(text[end])) ++end;
  if (end == 1) return std::nullopt;
  return Reference{text.substr(1, end - 1), end};
}

template <class Lookup>
std::string expand_with(std::string_view text, Lookup lookup) {
  std::string result;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    result += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    const auto reference = read_reference(text);
    const std::optional<std::string_view> value =
        reference ? lookup(reference->name) : std::nullopt;
    const std::size_t bytes = reference && value ? reference->bytes : 1;
    result += value ? *value : text.substr(0, 1);
    text.remove_prefix(bytes);
  }
  return result;
}

}  // namespace

Variables::Variables(std::optional<Path> working_dir,
                     const std::map<std::string, std::string>& env_vars, Environment node)
    : working_dir_(std::move(working_dir)), node_(std::move(node)) {
  // env_vars_ is still empty here, so find() knows only the working directory and the node.
  std::map<std::string, std::string> expanded;
  for (const auto& [name, value] : env_vars)
    if (std::string text = expand(value, *this); !text.empty())
      expanded.emplace(name, std::move(text));
  env_vars_ = std::move(expanded);
}

std::optional<std::string_view> Variables::find(std::string_view name) const {
  if (name == k_working_dir_variable && working_dir_) return working_dir_->native();
  if (const auto own = env_vars_.find(std::string(name)); own != env_vars_.end())
    return own->second;
  return node_.find(name);
}

bool Variables::in_working_dir(const Path& path) const {
  if (!working_dir_) return false;
  const Path relative =
      path.lexically_normal().lexically_relative(working_dir_->lexically_normal());
  return !relative.empty() && *relative.begin() != "..";
}

std::string expand(std::string_view text, const Variables& variables) {
  return expand_with(text, [&](std::string_view name) { return variables.find(name); });
}

std::optional<std::string> first_unexpanded(std::string_view text) {
  for (auto dollar = text.find('$'); dollar != std::string_view::npos;
       dollar = text.find('$', dollar + 1))
    if (const auto reference = read_reference(text.substr(dollar));
        reference && !reference->name.empty())
      return std::string(text.substr(dollar, reference->bytes));
  return std::nullopt;
}

}  // namespace rtenv::runtime_env
