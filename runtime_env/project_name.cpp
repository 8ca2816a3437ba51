#include "runtime_env/project_name.hpp"

#include <cctype>

#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {

std::string normalized_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    const bool separates = c == '-' || c == '_' || c == '.';
    if (separates && result.ends_with('-')) continue;
    result += separates ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::string project_name(std::string_view requirement) {
  constexpr std::string_view k_letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  std::string_view written = requirement.substr(0, requirement.find_first_not_of(k_letters));
  if (const auto wheel = wheel_project_name(written)) written = *wheel;
  return normalized_name(written);
}

}  // namespace rtenv::runtime_env
