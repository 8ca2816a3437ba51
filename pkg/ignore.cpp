#include "pkg/ignore.hpp"

#include <algorithm>

#include "base/encoding.hpp"

namespace rtenv::pkg {
namespace {

std::uint64_t length_bit(std::size_t length) {
  return std::uint64_t{1} << std::min<std::size_t>(length, 63);
}

}  // namespace

IgnoreFile IgnoreFile::parse(std::string_view content, std::string source,
                             IgnoreSemantics semantics, bool ignore_case) {
  IgnoreFile file(std::move(source), semantics, ignore_case);
  // Lines end as in Python's text mode: \n, \r\n or \r. In git they end with \n or \r\n, and a
  // byte order mark is skipped.
  const bool git = semantics == IgnoreSemantics::git;
  if (git && content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
  for (int line = 1; !content.empty(); ++line) {
    const auto end = content.find_first_of(git ? "\n" : "\r\n");
    std::string_view text = content.substr(0, end);
    if (git && text.ends_with('\r')) text.remove_suffix(1);
    file.add(text, line);
    if (end == std::string_view::npos) break;
    content.remove_prefix(content.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return file;
}

IgnoreFile IgnoreFile::from_patterns(std::span<const std::string> patterns, std::string source,
                                     IgnoreSemantics semantics) {
  IgnoreFile file(std::move(source), semantics, false);
  for (const std::string& pattern : patterns) file.add(pattern, 0);
  return file;
}

void IgnoreFile::Index::add(std::string text, RuleIndex rule) {
  lengths |= length_bit(text.size());
  rules[std::move(text)].push_back(rule);
}

const std::vector<IgnoreFile::RuleIndex>* IgnoreFile::Index::find(std::string_view text) const {
  if ((lengths & length_bit(text.size())) == 0) return nullptr;
  const auto found = rules.find(text);
  return found == rules.end() ? nullptr : &found->second;
}

void IgnoreFile::add(std::string_view text, int line) {
  auto pattern = IgnorePattern::compile(text, semantics_, ignore_case_);
  if (!pattern) return;
  const auto index = static_cast<RuleIndex>(rules_.size());
  auto simple = pattern->simple();
  covers_below_.push_back(simple && simple->covers_below);
  if (simple && !simple->suffix)
    names_.add(std::move(simple->text), index);
  else if (simple && simple->text.rfind('.') == 0)
    extensions_.add(std::move(simple->text), index);
  else
    others_.push_back(index);
  rules_.push_back({.pattern = std::move(*pattern), .text = std::string(text), .line = line});
}

// The index of the last matching simple rule; -1 if there is none.
std::int64_t IgnoreFile::last_simple(std::string_view path, bool directory) const {
  std::int64_t last = -1;
  if ((names_.lengths | extensions_.lengths) == 0) return last;
  const auto take = [&](const std::vector<RuleIndex>* rules, bool whole) {
    if (rules == nullptr) return;
    for (auto rule = rules->rbegin(); rule != rules->rend() && *rule > last; ++rule)
      if ((whole || covers_below_[*rule]) && (directory || !rules_[*rule].pattern.directory_only()))
        last = *rule;
  };
  for (std::string_view rest = path;;) {
    const auto slash = rest.find('/');
    const bool whole = slash == std::string_view::npos;  // the last part
    if (whole || semantics_ == IgnoreSemantics::ray) {
      const std::string_view part = rest.substr(0, slash);
      take(names_.find(part), whole);
      if (const auto dot = part.rfind('.'); dot != std::string_view::npos)
        take(extensions_.find(part.substr(dot)), whole);
    }
    if (whole) return last;
    rest.remove_prefix(slash + 1);
  }
}

const IgnoreRule* IgnoreFile::deciding_rule(std::string_view path, bool directory) const {
  return ignore_case_ ? deciding_rule_of(lower_ascii(path), directory)
                      : deciding_rule_of(path, directory);
}

const IgnoreRule* IgnoreFile::deciding_rule_of(std::string_view path, bool directory) const {
  const auto matches = [&](const IgnoreRule& rule) {
    return rule.pattern.matches(path, directory);
  };
  // If a path contains a line feed, Python's "." and "$" make even a plain name special.
  if (semantics_ == IgnoreSemantics::ray && path.find('\n') != std::string_view::npos) {
    const auto found = std::find_if(rules_.rbegin(), rules_.rend(), matches);
    return found == rules_.rend() ? nullptr : &*found;
  }
  const std::int64_t simple = last_simple(path, directory);
  for (auto other = others_.rbegin(); other != others_.rend() && *other > simple; ++other)
    if (matches(rules_[*other])) return &rules_[*other];
  return simple < 0 ? nullptr : &rules_[static_cast<std::size_t>(simple)];
}

}  // namespace rtenv::pkg
