// Ignore rules as Ray means them: the "gitwildmatch" patterns of .gitignore, .rayignore and `excludes`, matched like
// the copy of pathspec that Ray carries. That isn't exactly git: a rule is tried on the path relative to its own file,
// without a trailing slash for folders, and the last rule that matches decides for this one source.
//
// An IgnoreFile is immutable once made, and safe to share between threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pkg/ignore_pattern.hpp"

namespace rtenv::pkg {

/// One line of an ignore file that says something.
struct IgnoreRule {
  IgnorePattern pattern;
  std::string text;  // as written
  int line = 0;      // 1 is the first
};

class IgnoreFile {
 public:
  /// The lines of a file; `source` is its name for people.
  static IgnoreFile parse(std::string_view content, std::string source);
  /// A list of patterns, one rule each.
  static IgnoreFile from_patterns(std::span<const std::string> patterns, std::string source);

  /// The rule that decides over `path` (relative to the file's folder, "." for the folder itself), or null.
  /// The path is out where the rule isn't a negation.
  [[nodiscard]] const IgnoreRule* deciding_rule(std::string_view path) const;

  [[nodiscard]] const std::string& source() const noexcept { return source_; }
  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }

 private:
  void add(std::string_view text, int line);
  std::string source_;
  std::vector<IgnoreRule> rules_;
};

}  // namespace rtenv::pkg
