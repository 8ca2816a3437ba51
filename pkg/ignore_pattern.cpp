#include "pkg/ignore_pattern.hpp"

#include <algorithm>
#include <array>
#include <bit>

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
                                                    IgnoreSemantics semantics, bool ignore_case) {
  IgnorePattern pattern;
  pattern.ignore_case_ = ignore_case;
  pattern.semantics_ = semantics;
  const bool compiled =
      semantics == IgnoreSemantics::ray ? pattern.compile_ray(text) : pattern.compile_git(text);
  if (!compiled) return std::nullopt;
  pattern.find_literals();
  return pattern;
}

void IgnorePattern::find_literals() {
  std::string literals;
  bool at_begin = true;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (token.kind == Kind::literal) {
      literals += token.byte;
      if (at_begin) prefix_ = literals;
      if (literals.size() > required_.size()) required_ = literals;
      continue;
    }
    at_begin = false;
    literals.clear();
    if (token.kind == Kind::optional) i += token.count;
  }
}

void IgnorePattern::add_set(CharacterSet set) {
  tokens_.push_back({.kind = Kind::set, .set = static_cast<std::uint32_t>(sets_.size())});
  sets_.push_back(std::move(set));
}

// Several stars in a row match what one does.
void IgnorePattern::add(Kind kind) {
  const bool repeats = kind == Kind::star || kind == Kind::run;
  if (!repeats || tokens_.empty() || tokens_.back().kind != kind) tokens_.push_back({.kind = kind});
}

// "**" before a slash, or a pattern that applies at any depth: (?:.*/)?
void IgnorePattern::add_leading() {
  tokens_.push_back({.kind = Kind::optional, .count = 2});
  tokens_.push_back({.kind = Kind::run});
  add_literal('/');
}

// ray: a last "**": /.*
void IgnorePattern::add_below() {
  add_literal('/');
  tokens_.push_back({.kind = Kind::run});
}

// ray: everything below a matched name: (?:/.*)?
void IgnorePattern::add_maybe_below() {
  tokens_.push_back({.kind = Kind::optional, .count = 2});
  add_below();
}

// ray: an inner "**": (?:/.+)?
void IgnorePattern::add_middle() {
  tokens_.push_back({.kind = Kind::optional, .count = 3});
  add_literal('/');
  add(Kind::dot);
  add(Kind::run);
}

std::optional<IgnorePattern::Simple> IgnorePattern::simple() const {
  constexpr std::ptrdiff_t k_leading = 3;
  constexpr std::ptrdiff_t k_maybe_below = 3;
  if (tokens_.size() <= k_leading || tokens_.front().kind != Kind::optional) return std::nullopt;
  Simple result;
  auto token = tokens_.begin() + k_leading;
  auto end = tokens_.end();
  if (end - token > k_maybe_below && end[-k_maybe_below].kind == Kind::optional) {
    result.covers_below = true;
    end -= k_maybe_below;
  }
  if (token->kind == Kind::star) {
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

// The number of bytes at `position` that the token matches; 0 if it doesn't.
std::size_t IgnorePattern::step(const Token& token, std::string_view path,
                                std::size_t position) const {
  if (position == path.size()) return 0;
  switch (token.kind) {
    case Kind::literal: return path[position] == token.byte ? 1 : 0;
    case Kind::any:
    case Kind::star: return path[position] == '/' ? 0 : character_at(path, position).bytes;
    case Kind::dot:
    case Kind::run:
      return semantics_ == IgnoreSemantics::ray && path[position] == '\n'
                 ? 0
                 : character_at(path, position).bytes;
    case Kind::set: {
      const Character c = character_at(path, position);
      if (semantics_ == IgnoreSemantics::git && c.value == U'/') return 0;
      return sets_[token.set].contains(c.value) ? c.bytes : 0;
    }
    case Kind::optional: break;
  }
  return 0;
}

// All ways to match are followed at once, a byte at a time. For each position there is a set of the
// tokens that come next; a bit a token, and one for the pattern's end.
bool IgnorePattern::matches_whole(std::string_view path) const {
  constexpr std::size_t k_sets = k_max_utf8_bytes + 1;  // of this position and those in reach
  constexpr std::size_t k_bits = 64;
  const std::size_t words = tokens_.size() / k_bits + 1;
  std::array<std::uint64_t, k_sets> small{};
  std::vector<std::uint64_t> large(words > 1 ? k_sets * words : 0);
  std::uint64_t* const sets = words > 1 ? large.data() : small.data();
  std::size_t furthest = 0;  // position with a token
  const auto add = [&](std::size_t position, std::size_t token) {
    sets[position % k_sets * words + token / k_bits] |= std::uint64_t{1} << token % k_bits;
    furthest = std::max(furthest, position);
  };
  add(0, 0);
  for (std::size_t position = 0; position <= furthest; ++position) {
    for (std::size_t word = 0; word < words; ++word) {
      std::uint64_t& bits = sets[position % k_sets * words + word];
      while (bits != 0) {  // a token adds only later ones to its own set
        const auto index = word * k_bits + static_cast<std::size_t>(std::countr_zero(bits));
        bits &= bits - 1;
        if (index == tokens_.size()) {
          if (at_end(path, position)) return true;
          continue;
        }
        const Token& token = tokens_[index];
        const bool repeats = token.kind == Kind::star || token.kind == Kind::run;
        if (repeats || token.kind == Kind::optional) add(position, index + 1);
        if (token.kind == Kind::optional) add(position, index + 1 + token.count);
        if (const std::size_t bytes = step(token, path, position); bytes != 0)
          add(position + bytes, repeats ? index : index + 1);
      }
    }
  }
  return false;
}

}  // namespace rtenv::pkg
