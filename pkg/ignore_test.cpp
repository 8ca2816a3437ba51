#include "pkg/ignore.hpp"

#include <gtest/gtest.h>

namespace rtenv::pkg {
namespace {

struct Case {
  const char* pattern;
  const char* path;
  bool matches;
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << "'" << test.pattern << "' on '" << test.path << "'";
}

class RayPatternTest : public testing::TestWithParam<Case> {};

TEST_P(RayPatternTest, MatchesLikeRaysPathspec) {
  const auto pattern = IgnorePattern::compile(GetParam().pattern);
  ASSERT_TRUE(pattern);
  EXPECT_EQ(pattern->matches(GetParam().path), GetParam().matches);
}

// Each row was printed by ray._private.thirdparty.pathspec of Ray 2.60.
INSTANTIATE_TEST_SUITE_P(
    Names, RayPatternTest,
    testing::Values(
        Case{"foo", "foo", true}, Case{"foo", "a/foo", true}, Case{"foo", "foo/b/c", true},
        Case{"foo", "afoo", false}, Case{"/foo", "foo", true}, Case{"/foo", "a/foo", false},
        Case{"/foo", "foo/x", true}, Case{"a/foo", "a/foo", true}, Case{"a/foo", "b/a/foo", false},
        Case{"foo/", "foo", false}, Case{"foo/", "foo/x", true}, Case{"foo/", "a/foo/x", true},
        Case{"*.py", "a.py", true}, Case{"*.py", "d/a.py", true}, Case{"*.py", "a.pyc", false},
        Case{"*.py[co]", "d/a.pyc", true}, Case{"fo?", "foo", true}, Case{"fo?", "fo/", false},
        Case{"?", "é", true}, Case{"*", "a/b", true}, Case{"*", ".", true}, Case{".*", ".", true},
        Case{".*", ".git", true}, Case{".*", "a/.git", true}, Case{"**", "a/b", true},
        Case{"**/b", "b", true}, Case{"**/b", "x/y/b", true}, Case{"a/**", "a", false},
        Case{"a/**", "a/x", true}, Case{"a/**/b", "a/b", true}, Case{"a/**/b", "a/x/y/b", true},
        Case{"a/**/b", "ab", false}, Case{"a/*/b", "a/b", false}, Case{"a/*/b", "a/x/b", true},
        Case{"**/tmp/**", "tmp/x", true}, Case{"**/tmp/**", "tmp", false}));

INSTANTIATE_TEST_SUITE_P(CornerCases, RayPatternTest,
                         testing::Values(Case{"\\#x", "#x", true}, Case{"\\!x", "!x", true},
                                         Case{"a\\*b", "a*b", true}, Case{"a\\*b", "axb", false},
                                         Case{"foo ", "foo", true}, Case{"foo\\ ", "foo", true},
                                         Case{"[!a]", "b", true}, Case{"[!a]", "a", false},
                                         Case{"[^a]", "^", true}, Case{"[^a]", "b", false},
                                         Case{"[]a]", "]", true}, Case{"[a-c]x", "bx", true},
                                         Case{"[a-]", "-", true}, Case{"[é-ü]", "ö", true},
                                         Case{"[a", "[a", true}, Case{"[a/b]", "[a/b]", true},
                                         Case{"q[!x]a", "q/a", true}, Case{"foo", "foo\n", true},
                                         Case{"*", "a\nb", true}, Case{"**", "a\nb", false},
                                         Case{"a//b", "a/b", false}, Case{"***", "abc", true}));

std::string repeated(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// With backtracking, these would take longer than anybody waits, or all of the stack.
TEST(IgnorePattern, ManyWildcardsTakeNoMoreThanTheirNumberTimesThePathsLength) {
  const std::string name(200, 'a');
  const std::string folders = repeated("a/", 100);
  for (const auto semantics : {IgnoreSemantics::ray, IgnoreSemantics::git}) {
    const auto matches = [&](const std::string& pattern, const std::string& path) {
      return IgnorePattern::compile(pattern, semantics)->matches(path);
    };
    EXPECT_FALSE(matches(repeated("*a", 100) + 'b', name));
    EXPECT_TRUE(matches(repeated("*a", 100) + '*', name));
    EXPECT_FALSE(matches(repeated("**/a/", 50) + 'b', folders + 'a'));
    EXPECT_TRUE(matches(repeated("**/a/", 50) + 'b', folders + 'b'));
    EXPECT_FALSE(matches(repeated("*", 1 << 20) + 'b', name));
    EXPECT_FALSE(matches(repeated("*a", 1 << 20), name));
    EXPECT_TRUE(matches("**/*b", std::string(1 << 20, 'a') + 'b'));
  }
}

// Output of `git check-ignore --no-index`; tests/oracle/git_ignore.py compares thousands more.
struct GitCase {
  const char* pattern;
  const char* path;  // with a "/" at its end: a folder
  bool matches;
};

// As git's wildmatch with WM_CASEFOLD, which takes single letters of a set as they are.
TEST(IgnorePattern, IgnoresCaseLikeGit) {
  for (const GitCase& test : std::initializer_list<GitCase>{{"Foo", "x/fOO", true},
                                                            {"*.LOG", "a.Log", true},
                                                            {"A/*b", "a/XB", true},
                                                            {"[A-C]", "b", true},
                                                            {"[a-c]", "B", true},
                                                            {"[[:upper:]]", "b", true},
                                                            {"[[:lower:]]", "B", true},
                                                            {"[B]", "B", false},
                                                            {"[b]", "B", true},
                                                            {"x\\B", "xB", false},
                                                            {"\xC3\x89", "\xC3\xA9", false}}) {
    const auto file = IgnoreFile::parse(test.pattern, "", IgnoreSemantics::git, true);
    EXPECT_EQ(file.deciding_rule(test.path) != nullptr, test.matches)
        << test.pattern << " on " << test.path;
  }
}

TEST(IgnorePattern, MatchesLikeGit) {
  for (const GitCase& test : std::initializer_list<GitCase>{
           {"foo", "a/foo", true},     {"foo", "foo/b", false},     {"foo/", "foo", false},
           {"foo/", "a/foo/", true},   {"/foo", "a/foo", false},    {"a/foo", "b/a/foo", false},
           {"*.py", "d/a.py", true},   {"a/*", "a/b/c", false},     {"a/**", "a/b/c", true},
           {"a/**", "a/", false},      {"**/b", "x/y/b", true},     {"a/**/b", "a/b", true},
           {"a**b", "a/b", false},     {"a**b", "axxb", true},      {"x/a**/b", "x/a/c/b", true},
           {"a**", "ab/c", false},     {"a**", "x/ab", true},       {"**b", "a/xb", true},
           {"[[:digit:]]", "7", true}, {"[[:digit:]]", "x", false}, {"[[:nope:]]", "n", false},
           {"[a-c]", "b", true},       {"[!a]", "b", true},         {"[^a]", "a", false},
           {"[]a]", "]", true},        {"[\\]]", "]", true},        {"[a", "[a", false},
           {"a[/]b", "a/b", false},    {"foo\\ ", "foo ", true},    {"foo\t", "foo\t", true},
           {"\\#x", "#x", true},       {"?", "é", false},           {"??", "é", true},
           {"foo", "foo\n", false},    {"Foo", "foo", false}}) {
    const auto pattern = IgnorePattern::compile(test.pattern, IgnoreSemantics::git);
    std::string_view path = test.path;
    const bool directory = path.ends_with('/');
    if (directory) path.remove_suffix(1);
    EXPECT_EQ(pattern && pattern->matches(path, directory), test.matches)
        << test.pattern << " on " << test.path;
  }
}

TEST(IgnoreFile, IndexFindsTheSameRuleAsALinearSearch) {
  // Names, suffixes and other rules, interleaved, some negated.
  std::string content;
  for (int i = 0; i < 400; ++i) {
    const char* form =
        std::array{
            "n{}\n", "*.e{}\n", "!n{}\n", "d/*{}\n", "!*.e{}\n", "*{}~\n"}[static_cast<std::size_t>(
            i % 6)];
    content += fmt::format(fmt::runtime(form), i % 7);
  }
  for (const auto semantics : {IgnoreSemantics::ray, IgnoreSemantics::git}) {
    const auto file = IgnoreFile::parse(content, "x", semantics);
    for (const char* path : {"n1", "n1/below", "d/n3", "a.e2", "a.e2/b", "d/x5", "x6~", "a.b.e4",
                             "none", ".e0", "n1\n"}) {
      int expected = 0;
      std::string_view rest = content;
      for (int line = 1; !rest.empty(); ++line) {
        const auto end = rest.find('\n');
        const auto pattern = IgnorePattern::compile(rest.substr(0, end), semantics);
        if (pattern && pattern->matches(path)) expected = line;
        rest.remove_prefix(end + 1);
      }
      const IgnoreRule* rule = file.deciding_rule(path);
      EXPECT_EQ(rule != nullptr ? rule->line : 0, expected) << path;
    }
  }
}

TEST(IgnorePattern, RejectsTextWithoutAPattern) {
  for (const char* text : {"", "   ", "# x", "  # x", "/", "!", "\\", "[z-a]"})
    EXPECT_FALSE(IgnorePattern::compile(text)) << text;
}

TEST(IgnoreFile, TheLastMatchingRuleDecides) {
  const auto file = IgnoreFile::parse("*.log\r\n!keep.log\n\n# c\rkeep.log/x\n", ".gitignore");
  EXPECT_FALSE(file.deciding_rule("a.log")->pattern.negated());
  EXPECT_TRUE(file.deciding_rule("keep.log")->pattern.negated());
  EXPECT_EQ(file.deciding_rule("keep.log")->line, 2);
  EXPECT_EQ(file.deciding_rule("keep.log/x")->line, 5);
  EXPECT_EQ(file.deciding_rule("other"), nullptr);
}

TEST(IgnoreFile, NegationDoesNotApplyToEntriesBelow) {
  // "foo" matches foo/bar, "!foo" only foo itself, as in pathspec.
  const auto file = IgnoreFile::parse("foo\n!foo\n", "x");
  EXPECT_TRUE(file.deciding_rule("foo")->pattern.negated());
  EXPECT_FALSE(file.deciding_rule("foo/bar")->pattern.negated());
}

}  // namespace
}  // namespace rtenv::pkg
