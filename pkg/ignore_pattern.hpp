// One compiled ignore pattern. It matches exactly what the regular expression matches that pathspec's
// GitWildMatchPattern (the version inside Ray 2.60) makes of the same text, Python's corners included: "." doesn't
// match a line feed, "$" also matches before a last one, "?" and "[…]" take one code point, and of a name that isn't
// UTF-8 one byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rtenv::pkg {

class IgnorePattern {
 public:
  /// Nothing for blank lines, comments, "/", and what pathspec can't compile.
  static std::optional<IgnorePattern> compile(std::string_view text);

  /// True for a rule with "!", which takes a path back in.
  [[nodiscard]] bool negated() const noexcept { return negated_; }
  [[nodiscard]] bool matches(std::string_view path) const { return matches_from(0, path, 0); }

 private:
  enum class Kind : std::uint8_t {
    literal,      // the byte itself
    any,          // [^/]
    star,         // [^/]*
    plus,         // [^/]+
    set,          // […]
    leading,      // (?:.+/)?   a leading "**"
    middle,       // (?:/.+)?   an inner "**"
    below,        // /.*        a last "**"
    everything,   // .+         "**" alone
    maybe_below,  // (?:/.*)?   what a matched name holds
  };
  struct Token {
    Kind kind;
    char byte = 0;          // literal
    std::uint32_t set = 0;  // index into sets_
  };
  struct CodePointSet {
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges;  // both ends included
    [[nodiscard]] bool contains(char32_t code_point) const;
  };

  bool compile_segment(std::string_view segment);
  bool compile_set(std::string_view content, bool negated);
  [[nodiscard]] bool matches_from(std::size_t token, std::string_view path, std::size_t position) const;

  bool negated_ = false;
  std::vector<Token> tokens_;
  std::vector<CodePointSet> sets_;
};

}  // namespace rtenv::pkg
