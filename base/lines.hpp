// Splits text into lines.
#pragma once

#include <string_view>
#include <vector>

namespace rtenv {

/// The lines of `text` without their line ends, "\n" or "\r\n". A line end at the end of the text
/// doesn't start another line. Views into `text`.
inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace rtenv
