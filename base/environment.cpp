#include "base/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rtenv {

Environment Environment::of_process() {
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (const auto equals = text.find('='); equals != std::string_view::npos && equals > 0)
      result.values_.try_emplace(std::string(text.substr(0, equals)), text.substr(equals + 1));
  }
  return result;
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> Environment::find_filled(std::string_view name) const {
  const auto value = find(name);
  return value && !value->empty() ? value : std::nullopt;
}

void Environment::unset(std::string_view name) {
  if (const auto found = values_.find(name); found != values_.end()) values_.erase(found);
}

void Environment::prepend(std::string_view name, std::string_view entry) {
  const auto old = find_filled(name);
  set(std::string(name), old ? fmt::format("{}:{}", entry, *old) : std::string(entry));
}

std::vector<std::string> Environment::strings() const {
  std::vector<std::string> result;
  result.reserve(values_.size());
  for (const auto& [name, value] : values_) result.push_back(fmt::format("{}={}", name, value));
  return result;
}

}  // namespace rtenv
