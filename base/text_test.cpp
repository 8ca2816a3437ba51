#include "base/text.hpp"

#include <gtest/gtest.h>

#include "base/shown_name.hpp"

namespace rtenv {
namespace {

TEST(Text, IsSplitAtEachSeparator) {
  EXPECT_EQ(split("a&&b", '&'), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("/a/", '/'), (std::vector<std::string_view>{"", "a", ""}));
  EXPECT_EQ(split("", '/'), (std::vector<std::string_view>{""}));
}

TEST(Text, TrimRemovesWhitespaceAtBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("a"), "a");
  EXPECT_EQ(trim(" \n"), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, TrimRemovesTheGivenCharacters) {
  EXPECT_EQ(trim("//a/b//", "/"), "a/b");
  EXPECT_EQ(trim_end("//a/b//", "/"), "//a/b");
  EXPECT_EQ(trim_end("///", "/"), "");
}

TEST(Text, ShellQuoteDoesNotQuotePlainWords) {
  EXPECT_EQ(shell_quote("a/b-1.2=x,y"), "a/b-1.2=x,y");
}

TEST(Text, ShellQuoteQuotesSpecialCharacters) {
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_quote("it's"), "'it'\"'\"'s'");
}

TEST(Text, ShellJoinSeparatesQuotedWordsBySpaces) {
  EXPECT_EQ(shell_join({"echo", "a b", ""}), "echo 'a b' ''");
}

TEST(Text, TerminalTextHasNoControlCharactersButNewLinesAndTabs) {
  EXPECT_EQ(terminal_text("a\x1b[31m\r\n\tb\x7f"), "a\\x1b[31m\\x0d\n\tb\\x7f");
  EXPECT_EQ(terminal_text(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(terminal_text("ä"), "ä");
  EXPECT_EQ(terminal_text("a\u009b31m\u00a0"), "a\\x9b31m\u00a0")
      << "control characters above ASCII";
  EXPECT_EQ(shown_name("a\nrtenv: error: b\t\x1b"), "a\\x0artenv: error: b\\x09\\x1b");
}

}  // namespace
}  // namespace rtenv
