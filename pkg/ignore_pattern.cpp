#include "pkg/ignore_pattern.hpp"

#include <algorithm>

#include "pkg/utf8.hpp"

namespace rtenv::pkg {

Result<IgnoreSemantics> parse_ignore_semantics(std::string_view text) {
  if (text == "ray") return IgnoreSemantics::ray;
  if (text == "git") return IgnoreSemantics::git;
  return fail(Errc::invalid_argument, "unknown ignore rules '{}'", text).hint("one of: ray, git");
}

bool IgnorePattern::CharacterSet::contains(char32_t character) const {
  const bool listed = std::ranges::any_of(ranges, [&](const auto& range) {
    return range.first <= character && character <= range.second;
  });
  return listed != negated;
}

std::optional<IgnorePattern> IgnorePattern::compile(std::string_view text,
                                                    IgnoreSemantics semantics) {
  IgnorePattern pattern;
  pattern.semantics_ = semantics;
  const bool compiled =
      semantics == IgnoreSemantics::ray ? pattern.compile_ray(text) : pattern.compile_git(text);
  if (!compiled) return std::nullopt;
  return pattern;
}

void IgnorePattern::add_set(CharacterSet set) {
  tokens_.push_back({.kind = Kind::set, .set = static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(std::move(set));
}

std::optional<IgnorePattern::Simple> IgnorePattern::simple() const {
  if (tokens_.size() < 2 || tokens_.front().kind != Kind::leading) return std::nullopt;
  Simple result;
  auto token = tokens_.begin() + 1;
  auto end = tokens_.end();
  if (end[-1].kind == Kind::maybe_below) {
    result.covers_below = true;
    --end;
  }
  if (token != end && token->kind == Kind::star) {
    result.suffix = true;
    ++token;
  }
  for (; token != end; ++token) {
    if (token->kind != Kind::literal || token->byte == '/') return std::nullopt;
    result.text += token->byte;
  }
  if (result.text.empty()) return std::nullopt;
  return result;
}

IgnorePattern::Character IgnorePattern::character_at(std::string_view path,
                                                     std::size_t position) const {
  if (semantics_ == IgnoreSemantics::git) return {static_cast<unsigned char>(path[position]), 1};
  const CodePoint c = decode_utf8(path, position);
  return {c.value, c.bytes};
}

// The end; for a ray pattern, Python's "$", also before a final line feed.
bool IgnorePattern::at_end(std::string_view path, std::size_t position) const {
  return position == path.size() || (semantics_ == IgnoreSemantics::ray &&
                                     position + 1 == path.size() && path[position] == '\n');
}

bool IgnorePattern::matches_from(std::size_t token_index, std::string_view path,
                                 std::size_t position) const {
  for (; token_index < tokens_.size(); ++token_index) {
    const Token& token = tokens_[token_index];
    switch (token.kind) {
      case Kind::literal:
        if (position == path.size() || path[position] != token.byte) return false;
        ++position;
        break;
      case Kind::any:
        if (position == path.size() || path[position] == '/') return false;
        position += character_at(path, position).bytes;
        break;
      case Kind::set: {
        if (position == path.size()) return false;
        const Character c = character_at(path, position);
        if (semantics_ == IgnoreSemantics::git && c.value == U'/') return false;
        if (!sets_[token.set].contains(c.value)) return false;
        position += c.bytes;
        break;
      }
      case Kind::plus:
        if (position == path.size() || path[position] == '/') return false;
        position += character_at(path, position).bytes;
        [[fallthrough]];
      case Kind::star:
        for (;;) {
          if (matches_from(token_index + 1, path, position)) return true;
          if (position == path.size() || path[position] == '/') return false;
          position += character_at(path, position).bytes;
        }
      case Kind::leading:
      case Kind::middle: {
        // Nothing, or a run that ends with a slash (leading) or begins with one (middle); in ray
        // without line feeds.
        if (matches_from(token_index + 1, path, position)) return true;
        std::size_t end = position;
        if (token.kind == Kind::middle) {
          if (end == path.size() || path[end] != '/') return false;
          ++end;
        }
        for (; end < path.size() && (semantics_ == IgnoreSemantics::git || path[end] != '\n');
             ++end) {
          const bool stop_here = token.kind == Kind::middle || path[end] == '/';
          if (stop_here && matches_from(token_index + 1, path, end + 1)) return true;
        }
        return false;
      }
      case Kind::run:
        for (; position < path.size(); ++position)
          if (matches_from(token_index + 1, path, position)) return true;
        break;
      case Kind::maybe_below:
        if (at_end(path, position)) return true;
        [[fallthrough]];
      case Kind::below:
        if (position == path.size() || path[position] != '/') return false;
        ++position;
        [[fallthrough]];
      case Kind::everything: {
        if (token.kind == Kind::everything && (position == path.size() || path[position] == '\n'))
          return false;
        // The rest, without line feeds: these tokens are always the last.
        const auto line_feed = path.find('\n', position);
        return line_feed == std::string_view::npos || line_feed + 1 == path.size();
      }
    }
  }
  return at_end(path, position);
}

}  // namespace rtenv::pkg
