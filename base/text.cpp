#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rtenv {

std::string_view trim(std::string_view text, std::string_view removed) {
  const auto first = text.find_first_not_of(removed);
  if (first == std::string_view::npos) return {};
  return trim_end(text.substr(first), removed);
}

std::string_view trim_end(std::string_view text, std::string_view removed) {
  return text.substr(0, text.find_last_not_of(removed) + 1);
}

std::string shell_quote(std::string_view word) {
  constexpr std::string_view k_safe = "@%_-+=:,./";
  const bool plain = !word.empty() && std::ranges::all_of(word, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           k_safe.find(c) != std::string_view::npos;
  });
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += "'\"'\"'";
    else
      quoted += c;
  }
  return quoted + "'";
}

std::string shell_join(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += ' ';
    joined += shell_quote(word);
  }
  return joined;
}

std::string terminal_text(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
    if (control)
      shown += fmt::format("\\x{:02x}", byte);
    else
      shown += c;
  }
  return shown;
}

}  // namespace rtenv
