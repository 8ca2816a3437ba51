// Compiles a pattern as git does: parse_path_pattern and match_pathname of git's dir.c, dowild of
// its wildmatch.c, as of git 2.39. A pattern that wildmatch can never match doesn't compile.
#include <algorithm>
#include <array>

#include "pkg/ignore_pattern.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::string_view k_glob_special = "*?[\\";

// Without the spaces at the end, unless a backslash escapes the first of them. Tabs stay.
std::string_view trim_trailing_spaces(std::string_view text) {
  std::size_t end = text.size();
  bool in_spaces = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') {
      if (!in_spaces) end = i;
      in_spaces = true;
      continue;
    }
    in_spaces = false;
    if (text[i] == '\\' && ++i == text.size()) break;
  }
  return in_spaces ? text.substr(0, end) : text;
}

char lower(char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

using Ranges = std::initializer_list<std::pair<char32_t, char32_t>>;
struct NamedClass {
  std::string_view name;
  Ranges ranges;
};
// As in git's own ctype tables: ASCII only, and "space" without \v and \f.
const std::array<NamedClass, 12> k_classes{{{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
                                            {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
                                            {"blank", {{' ', ' '}, {'\t', '\t'}}},
                                            {"cntrl", {{0, 31}, {127, 127}}},
                                            {"digit", {{'0', '9'}}},
                                            {"graph", {{33, 126}}},
                                            {"lower", {{'a', 'z'}}},
                                            {"print", {{32, 126}}},
                                            {"punct", {{33, 47}, {58, 64}, {91, 96}, {123, 126}}},
                                            {"space", {{' ', ' '}, {'\t', '\n'}, {'\r', '\r'}}},
                                            {"upper", {{'A', 'Z'}}},
                                            {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}}};

}  // namespace

bool IgnorePattern::compile_git(std::string_view text) {
  if (text.starts_with('#')) return false;
  std::string_view pattern = trim_trailing_spaces(text.substr(0, text.find('\0')));
  if (pattern.starts_with('!')) {
    negated_ = true;
    pattern.remove_prefix(1);
  }
  if (pattern.ends_with('/')) {
    directory_only_ = true;
    pattern.remove_suffix(1);
  }
  if (pattern.empty()) return false;
  const bool by_name = pattern.find('/') == std::string_view::npos;
  if (by_name) add_leading();
  if (pattern.starts_with('/')) pattern.remove_prefix(1);

  // git compares the part before the first wildcard separately and passes the rest to wildmatch, so
  // a "**" at the start of the rest is treated as if it were the start of the pattern.
  const std::size_t plain_bytes = std::min(pattern.find_first_of(k_glob_special), pattern.size());
  for (std::size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '*') {
      const bool begins_part = i == plain_bytes || pattern[i - 1] == '/';
      const std::size_t end = std::min(pattern.find_first_not_of('*', i), pattern.size());
      const bool several = end - i > 1 && !by_name;  // a name has no folders to pass over
      const std::string_view behind = pattern.substr(end);
      i = end;
      if (several && begins_part && behind.starts_with('/')) {
        add_leading();
        ++i;
      } else if (several && begins_part && (behind.empty() || behind.starts_with("\\/"))) {
        add(Kind::run);
      } else {
        add(Kind::star);
      }
      continue;
    }
    ++i;
    if (c == '?') {
      add(Kind::any);
    } else if (c == '[') {
      if (!compile_git_set(pattern, i)) return false;
    } else if (c == '\\') {
      if (i == pattern.size()) return false;
      add_literal(pattern[i++]);
    } else {
      add_literal(ignore_case_ ? lower(c) : c);
    }
  }
  return true;
}

bool IgnorePattern::compile_git_set(std::string_view pattern, std::size_t& at) {
  CharacterSet set;
  const auto byte_at = [&](std::size_t i) -> unsigned char {  // 0 at the end, as in C
    return i < pattern.size() ? static_cast<unsigned char>(pattern[i]) : 0;
  };
  // A capital that isn't in a range matches nothing then: wildmatch takes it as it is, here and
  // behind a backslash.
  const auto add_range = [&](char32_t from, char32_t to) {
    set.ranges.emplace_back(from, to);
    const char32_t capital_from = std::max(from, U'A');
    const char32_t capital_to = std::min(to, U'Z');
    if (ignore_case_ && capital_from <= capital_to)
      set.ranges.emplace_back(capital_from - U'A' + U'a', capital_to - U'A' + U'a');
  };
  if (byte_at(at) == '!' || byte_at(at) == '^') {
    set.negated = true;
    ++at;
  }
  unsigned char previous = 0;  // the character that a range may begin with
  for (bool first = true; first || byte_at(at) != ']'; first = false) {
    unsigned char c = byte_at(at);
    if (c == 0) return false;
    if (c == '\\') {
      c = byte_at(++at);
      if (c == 0) return false;
      set.ranges.emplace_back(c, c);
    } else if (c == '-' && previous != 0 && byte_at(at + 1) != 0 && byte_at(at + 1) != ']') {
      unsigned char last = byte_at(++at);
      if (last == '\\') last = byte_at(++at);
      if (last == 0) return false;
      if (previous <= last) add_range(previous, last);
      c = 0;
    } else if (c == '[' && byte_at(at + 1) == ':') {
      const std::size_t close = pattern.find(']', at + 2);
      if (close == std::string_view::npos) return false;
      if (close < at + 3 || pattern[close - 1] != ':') {  // not "[:…:]": a plain "["
        set.ranges.emplace_back(c, c);
      } else {
        const std::string_view name = pattern.substr(at + 2, close - at - 3);
        const auto* const found = std::ranges::find(k_classes, name, &NamedClass::name);
        if (found == k_classes.end()) return false;
        for (const auto& [first_of_class, last_of_class] : found->ranges)
          add_range(first_of_class, last_of_class);
        at = close;
        c = 0;
      }
    } else {
      set.ranges.emplace_back(c, c);
    }
    previous = c;
    ++at;
  }
  ++at;
  add_set(std::move(set));
  return true;
}

}  // namespace rtenv::pkg
