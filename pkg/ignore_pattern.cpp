#include "pkg/ignore_pattern.hpp"

#include <algorithm>

#include "pkg/utf8.hpp"

namespace rtenv::pkg {
namespace {

// What Python's str.strip() takes away.
bool is_python_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
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

std::vector<std::string_view> split_segments(std::string_view pattern) {
  std::vector<std::string_view> segments;
  for (;;) {
    const auto slash = pattern.find('/');
    segments.push_back(pattern.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    pattern.remove_prefix(slash + 1);
  }
}

constexpr std::string_view k_double_star = "**";

// The end of the pattern's "$": the end, or before a last line feed.
bool at_end(std::string_view path, std::size_t position) {
  return position == path.size() || (position + 1 == path.size() && path[position] == '\n');
}

}  // namespace

bool IgnorePattern::CodePointSet::contains(char32_t code_point) const {
  const bool listed = std::ranges::any_of(
      ranges, [&](const auto& range) { return range.first <= code_point && code_point <= range.second; });
  return listed != negated;
}

std::optional<IgnorePattern> IgnorePattern::compile(std::string_view text) {
  std::string_view pattern = strip(text);
  if (pattern.empty() || pattern.starts_with('#') || pattern == "/") return std::nullopt;
  IgnorePattern result;
  if (pattern.starts_with('!')) {
    result.negated_ = true;
    pattern.remove_prefix(1);
  }
  if (pattern.starts_with('\\')) pattern.remove_prefix(1);  // an escaped '#' or '!'; pathspec takes any

  auto segments = split_segments(pattern);
  if (segments.front().empty()) {
    segments.erase(segments.begin());  // anchored
    if (segments.empty()) return std::nullopt;
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
        result.tokens_.push_back({.kind = Kind::everything});
      } else if (i == 0) {
        result.tokens_.push_back({.kind = Kind::leading});
      } else if (i == last) {
        result.tokens_.push_back({.kind = Kind::below});
      } else {
        result.tokens_.push_back({.kind = Kind::middle});
        need_slash = true;
      }
      continue;
    }
    if (need_slash) result.tokens_.push_back({.kind = Kind::literal, .byte = '/'});
    need_slash = true;
    if (segment == "*") {
      result.tokens_.push_back({.kind = Kind::plus});
      continue;
    }
    if (!result.compile_segment(segment)) return std::nullopt;
    if (i == last && !result.negated_) result.tokens_.push_back({.kind = Kind::maybe_below});
  }
  return result;
}

bool IgnorePattern::compile_segment(std::string_view segment) {
  const auto literal = [this](char byte) { tokens_.push_back({.kind = Kind::literal, .byte = byte}); };
  bool escaped = false;
  for (std::size_t i = 0; i < segment.size();) {
    const char c = segment[i++];
    if (escaped) {
      escaped = false;
      literal(c);
    } else if (c == '\\') {
      escaped = true;  // at the end of the segment it stands for nothing
    } else if (c == '*') {
      tokens_.push_back({.kind = Kind::star});
    } else if (c == '?') {
      tokens_.push_back({.kind = Kind::any});
    } else if (c == '[') {
      std::size_t end = i;
      if (end < segment.size() && segment[end] == '!') ++end;
      if (end < segment.size() && segment[end] == ']') ++end;
      while (end < segment.size() && segment[end] != ']') ++end;
      if (end == segment.size()) {
        literal('[');
        continue;
      }
      const bool negated = segment[i] == '!';
      if (negated) ++i;
      if (!compile_set(segment.substr(i, end - i), negated)) return false;
      i = end + 1;
    } else {
      literal(c);
    }
  }
  return true;
}

bool IgnorePattern::compile_set(std::string_view content, bool negated) {
  CodePointSet set{.negated = negated, .ranges = {}};
  std::size_t position = 0;
  // A first "^" stands for itself and can't begin a range.
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
  tokens_.push_back({.kind = Kind::set, .set = static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(std::move(set));
  return true;
}

bool IgnorePattern::matches_from(std::size_t token_index, std::string_view path, std::size_t position) const {
  for (; token_index < tokens_.size(); ++token_index) {
    const Token& token = tokens_[token_index];
    switch (token.kind) {
      case Kind::literal:
        if (position == path.size() || path[position] != token.byte) return false;
        ++position;
        break;
      case Kind::any:
        if (position == path.size() || path[position] == '/') return false;
        position += decode_utf8(path, position).bytes;
        break;
      case Kind::set: {
        if (position == path.size()) return false;
        const CodePoint c = decode_utf8(path, position);
        if (!sets_[token.set].contains(c.value)) return false;
        position += c.bytes;
        break;
      }
      case Kind::plus:
        if (position == path.size() || path[position] == '/') return false;
        position += decode_utf8(path, position).bytes;
        [[fallthrough]];
      case Kind::star:
        for (;;) {
          if (matches_from(token_index + 1, path, position)) return true;
          if (position == path.size() || path[position] == '/') return false;
          position += decode_utf8(path, position).bytes;
        }
      case Kind::leading:
      case Kind::middle: {
        // Nothing, or a run without line feeds that ends in a slash (leading) or begins with one (middle).
        if (matches_from(token_index + 1, path, position)) return true;
        std::size_t end = position;
        if (token.kind == Kind::middle) {
          if (end == path.size() || path[end] != '/') return false;
          ++end;
        }
        const std::size_t run_begin = end;
        for (; end < path.size() && path[end] != '\n'; ++end) {
          const bool stop_here = token.kind == Kind::leading ? path[end] == '/' && end > run_begin : true;
          if (stop_here && matches_from(token_index + 1, path, end + 1)) return true;
        }
        return false;
      }
      case Kind::maybe_below:
        if (at_end(path, position)) return true;
        [[fallthrough]];
      case Kind::below:
        if (position == path.size() || path[position] != '/') return false;
        ++position;
        [[fallthrough]];
      case Kind::everything: {
        if (token.kind == Kind::everything && (position == path.size() || path[position] == '\n')) return false;
        // The rest without line feeds; these tokens are always the last.
        const auto line_feed = path.find('\n', position);
        return line_feed == std::string_view::npos || line_feed + 1 == path.size();
      }
    }
  }
  return at_end(path, position);
}

}  // namespace rtenv::pkg
