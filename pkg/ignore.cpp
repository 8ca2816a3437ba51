#include "pkg/ignore.hpp"

#include <algorithm>

namespace rtenv::pkg {

IgnoreFile IgnoreFile::parse(std::string_view content, std::string source) {
  IgnoreFile file;
  file.source_ = std::move(source);
  // Lines end as Python's text mode has it: \n, \r\n or \r.
  for (int line = 1; !content.empty(); ++line) {
    const auto end = content.find_first_of("\r\n");
    file.add(content.substr(0, end), line);
    if (end == std::string_view::npos) break;
    content.remove_prefix(content.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return file;
}

IgnoreFile IgnoreFile::from_patterns(std::span<const std::string> patterns, std::string source) {
  IgnoreFile file;
  file.source_ = std::move(source);
  for (int line = 1; const std::string& pattern : patterns) file.add(pattern, line++);
  return file;
}

void IgnoreFile::add(std::string_view text, int line) {
  if (auto pattern = IgnorePattern::compile(text))
    rules_.push_back({.pattern = std::move(*pattern), .text = std::string(text), .line = line});
}

const IgnoreRule* IgnoreFile::deciding_rule(std::string_view path) const {
  const auto found =
      std::find_if(rules_.rbegin(), rules_.rend(), [&](const IgnoreRule& rule) { return rule.pattern.matches(path); });
  return found == rules_.rend() ? nullptr : &*found;
}

}  // namespace rtenv::pkg
