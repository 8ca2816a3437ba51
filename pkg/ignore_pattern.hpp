// One compiled ignore pattern, in one of two semantics.
//
// ray: it matches the same paths as the regular expression that pathspec's GitWildMatchPattern (the
// version in Ray 2.60) generates from the same text, including Python's corner cases: "." doesn't
// match a line feed, "$" also matches before a final one, "?" and "[…]" match one code point, or
// one byte of a name that isn't UTF-8. A pattern also covers everything below a matched name,
// except with "!".
//
// git: it matches as git's wildmatch does (gitignore(5); dir.c and wildmatch.c of git 2.39), byte
// by byte.
//
// Matching takes time in proportion to the pattern's length times the path's, whatever they are.
//
// Immutable, and safe to share between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace rtenv::pkg {

enum class IgnoreSemantics : std::uint8_t { ray, git };

/// "ray" or "git". Fails: invalid_argument.
Result<IgnoreSemantics> parse_ignore_semantics(std::string_view text);

class IgnorePattern {
 public:
  /// Nullopt for blank lines, comments, "/", and patterns that can never match. With `ignore_case`,
  /// which is git's, it matches paths in lower case.
  static std::optional<IgnorePattern> compile(std::string_view text,
                                              IgnoreSemantics semantics = IgnoreSemantics::ray,
                                              bool ignore_case = false);

  /// True for a pattern with "!", which includes a path again.
  [[nodiscard]] bool negated() const noexcept { return negated_; }
  /// True for a git pattern with a "/" at its end.
  [[nodiscard]] bool directory_only() const noexcept { return directory_only_; }
  /// `directory` matters only in the semantics git.
  [[nodiscard]] bool matches(std::string_view path, bool directory = false) const {
    return (directory || !directory_only_) && path.starts_with(prefix_) &&
           path.find(required_) != std::string_view::npos && matches_whole(path);
  }

  /// The form of most patterns: a plain name, or one "*" followed by a plain suffix, at any depth.
  /// On paths without a line feed, such a pattern matches if the last part of the path is the name,
  /// or ends with the suffix; if `covers_below`, any part will do.
  struct Simple {
    std::string text;
    bool suffix = false;
    bool covers_below = false;
  };
  [[nodiscard]] std::optional<Simple> simple() const;

 private:
  // A pattern is a sequence of these. Each of the matching rules' regular expressions is made of
  // them: "(?:.*/)?", for example, is optional, run and "/".
  enum class Kind : std::uint8_t {
    literal,   // the byte itself
    any,       // [^/]
    dot,       // .     in ray: no line feed; in git: any byte
    set,       // […]
    star,      // [^/]*
    run,       // .*
    optional,  // (?:…)? around the next `count` tokens
  };
  struct Token {
    Kind kind;
    char byte = 0;            // literal
    std::uint32_t set = 0;    // index into sets_
    std::uint32_t count = 0;  // optional
  };
  struct Character {
    char32_t value;
    std::size_t bytes;
  };
  struct CharacterSet {
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges;  // both ends included
    [[nodiscard]] bool contains(char32_t character) const;
  };

  bool compile_ray(std::string_view pattern);
  bool compile_ray_segment(std::string_view segment);
  bool compile_ray_set(std::string_view content, bool negated);
  bool compile_git(std::string_view pattern);
  /// `at` is the position after the "["; the call moves it after the "]".
  bool compile_git_set(std::string_view pattern, std::size_t& at);
  void add(Kind kind);
  void add_leading();
  void add_below();
  void add_maybe_below();
  void add_middle();
  void add_literal(char byte) { tokens_.push_back({.kind = Kind::literal, .byte = byte}); }
  void add_set(CharacterSet set);

  [[nodiscard]] Character character_at(std::string_view path, std::size_t position) const;
  [[nodiscard]] bool at_end(std::string_view path, std::size_t position) const;
  [[nodiscard]] std::size_t step(const Token& token, std::string_view path,
                                 std::size_t position) const;
  [[nodiscard]] bool matches_whole(std::string_view path) const;
  void find_literals();

  IgnoreSemantics semantics_ = IgnoreSemantics::ray;
  bool ignore_case_ = false;
  bool negated_ = false;
  bool directory_only_ = false;
  std::vector<Token> tokens_;
  std::vector<CharacterSet> sets_;
  // Most paths are told from these alone.
  std::string prefix_;    // literals that every match begins with
  std::string required_;  // the most consecutive literals that are in every match
};

}  // namespace rtenv::pkg
