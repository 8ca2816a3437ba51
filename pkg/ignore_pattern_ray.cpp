// Compiles a pattern as the pathspec module in Ray does.
#include "pkg/ignore_pattern.hpp"
#include "pkg/tree_path.hpp"
#include "pkg/utf8.hpp"

namespace rtenv::pkg {
namespace {

// The characters that Python's str.strip() removes.
bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

std::string_view strip(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const CodePoint c = decode_utf8(text, begin);
    if (!is_python_space(c.value)) break;
    begin += c.bytes;
  }
  std::size_t end = begin;
  for (std::size_t position = begin; position < text.size();) {
    const CodePoint c = decode_utf8(text, position);
    position += c.bytes;
    if (!is_python_space(c.value)) end = position;
  }
  return text.substr(begin, end - begin);
}

constexpr std::string_view k_double_star = "**";

}  // namespace

bool IgnorePattern::compile_ray(std::string_view text) {
  std::string_view pattern = strip(text);
  if (pattern.empty() || pattern.starts_with('#') || pattern == "/") return false;
  if (pattern.starts_with('!')) {
    negated_ = true;
    pattern.remove_prefix(1);
  }
  // It escapes '#' or '!', but pathspec removes it before any character.
  if (pattern.starts_with('\\')) pattern.remove_prefix(1);

  auto segments = split_path(pattern);
  if (segments.front().empty()) {
    segments.erase(segments.begin());  // anchored
    if (segments.empty()) return false;
  } else if (segments.size() == 1 || (segments.size() == 2 && segments[1].empty())) {
    if (segments.front() != k_double_star) segments.insert(segments.begin(), k_double_star);
  }
  if (segments.size() > 1 && segments.back().empty()) segments.back() = k_double_star;

  bool need_slash = false;
  const std::size_t last = segments.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    const std::string_view segment = segments[i];
    if (segment == k_double_star) {
      if (i == 0 && i == last) {
        add(Kind::dot);
        add(Kind::run);
      } else if (i == 0) {
        add_leading();
      } else if (i == last) {
        add_below();
      } else {
        add_middle();
        need_slash = true;
      }
      continue;
    }
    if (need_slash) add_literal('/');
    need_slash = true;
    if (segment == "*") {
      add(Kind::any);
      add(Kind::star);
      continue;
    }
    if (!compile_ray_segment(segment)) return false;
    if (i == last && !negated_) add_maybe_below();
  }
  return true;
}

bool IgnorePattern::compile_ray_segment(std::string_view segment) {
  bool escaped = false;
  for (std::size_t i = 0; i < segment.size();) {
    const char c = segment[i++];
    if (escaped) {
      escaped = false;
      add_literal(c);
    } else if (c == '\\') {
      escaped = true;  // at the end of the segment it is ignored
    } else if (c == '*') {
      add(Kind::star);
    } else if (c == '?') {
      add(Kind::any);
    } else if (c == '[') {
      std::size_t end = i;
      if (end < segment.size() && segment[end] == '!') ++end;
      if (end < segment.size() && segment[end] == ']') ++end;
      while (end < segment.size() && segment[end] != ']') ++end;
      if (end == segment.size()) {
        add_literal('[');
        continue;
      }
      const bool negated = segment[i] == '!';
      if (negated) ++i;
      if (!compile_ray_set(segment.substr(i, end - i), negated)) return false;
      i = end + 1;
    } else {
      add_literal(c);
    }
  }
  return true;
}

bool IgnorePattern::compile_ray_set(std::string_view content, bool negated) {
  CharacterSet set{.negated = negated, .ranges = {}};
  std::size_t position = 0;
  // A "^" at the beginning is literal and can't begin a range.
  if (!negated && content.starts_with('^')) {
    set.ranges.emplace_back(U'^', U'^');
    position = 1;
  }
  while (position < content.size()) {
    const CodePoint first = decode_utf8(content, position);
    position += first.bytes;
    if (position < content.size() && content[position] == '-') {
      if (position + 1 == content.size()) {
        set.ranges.emplace_back(first.value, first.value);
        set.ranges.emplace_back(U'-', U'-');
        break;
      }
      const CodePoint last = decode_utf8(content, position + 1);
      if (last.value < first.value) return false;  // Python: bad character range
      set.ranges.emplace_back(first.value, last.value);
      position += 1 + last.bytes;
    } else {
      set.ranges.emplace_back(first.value, first.value);
    }
  }
  add_set(std::move(set));
  return true;
}

}  // namespace rtenv::pkg
