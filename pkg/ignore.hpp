// The rules of one .gitignore, .rayignore or `excludes` list. The last matching rule decides.
//
// Most rules are a plain name ("build") or suffix ("*.o"). They are looked up in an index by the
// parts of a path, so thousands of them cost as much as one. The other rules are tried one by one,
// from the last.
//
// In the semantics ray, a rule is matched against the path relative to its file, without a slash
// after folders; see IgnorePattern. An IgnoreFile is immutable, and safe to share between threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pkg/ignore_pattern.hpp"

namespace rtenv::pkg {

/// Of a file with rules.
inline constexpr std::uint64_t k_max_rule_file_bytes = 16 << 20;

/// One line of an ignore file that is a rule.
struct IgnoreRule {
  IgnorePattern pattern;
  std::string text;  // as written
  int line = 0;      // from 1; 0 if the rule isn't from a file
};

class IgnoreFile {
 public:
  /// Parses the lines of a file; `source` is its name in messages. `ignore_case` is git's, for
  /// ASCII letters.
  static IgnoreFile parse(std::string_view content, std::string source,
                          IgnoreSemantics semantics = IgnoreSemantics::ray,
                          bool ignore_case = false);
  /// A list of patterns, one rule each.
  static IgnoreFile from_patterns(std::span<const std::string> patterns, std::string source,
                                  IgnoreSemantics semantics = IgnoreSemantics::ray);

  /// The rule that decides on `path` (relative to the file's folder, "." for the folder itself);
  /// null if no rule matches. The path is excluded unless the rule is a negation.
  [[nodiscard]] const IgnoreRule* deciding_rule(std::string_view path,
                                                bool directory = false) const;

  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  using RuleIndex = std::uint32_t;

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  /// Rules by their plain text. `lengths` quickly rejects most texts that have no rule.
  struct Index {
    std::unordered_map<std::string, std::vector<RuleIndex>, Hash, std::equal_to<>> rules;
    std::uint64_t lengths = 0;  // bit n: there is a text of length n, or of 63 and more
    void add(std::string text, RuleIndex rule);
    [[nodiscard]] const std::vector<RuleIndex>* find(std::string_view text) const;
  };

  IgnoreFile(std::string source, IgnoreSemantics semantics, bool ignore_case)
      : source_(std::move(source)), semantics_(semantics), ignore_case_(ignore_case) {}
  [[nodiscard]] const IgnoreRule* deciding_rule_of(std::string_view path, bool directory) const;
  void add(std::string_view text, int line);
  [[nodiscard]] std::int64_t last_simple(std::string_view path, bool directory) const;

  std::string source_;
  IgnoreSemantics semantics_;
  bool ignore_case_;
  std::vector<IgnoreRule> rules_;
  std::vector<bool> covers_below_;  // of a simple rule
  Index names_;
  Index extensions_;               // suffixes whose only dot is their first character
  std::vector<RuleIndex> others_;  // ascending
};

}  // namespace rtenv::pkg
