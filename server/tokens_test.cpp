#include "server/tokens.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

TEST(Tokens, AFileMayHaveOneTokenAlone) {
  const auto tokens = must(parse_tokens("\n  secret\n"));
  ASSERT_EQ(tokens.size(), 1U);
  EXPECT_EQ(tokens[0].secret, "secret");
  EXPECT_EQ(tokens[0].caller.name, "token");
  EXPECT_EQ(tokens[0].caller.right, Right::submit);
}

TEST(Tokens, AFileMayHaveSeveralWithNamesAndRights) {
  const auto tokens = must(parse_tokens("# who\nci submit abc\n\nboard\tread  def\r\n"));
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].caller.name, "ci");
  EXPECT_EQ(tokens[0].caller.right, Right::submit);
  EXPECT_EQ(tokens[1].secret, "def");
  EXPECT_EQ(tokens[1].caller.right, Right::read);
}

TEST(Tokens, MistakesAreNamedByTheirLineWithoutASecret) {
  for (const auto& [text, words] :
       {std::pair{"", "contains no token"}, std::pair{"# none\n", "contains no token"},
        std::pair{"hidden\nhidden2\n", "line 1: expected a name, a right and a token"},
        std::pair{"a submit hidden\nb write hidden\n", "line 2: the right must be"},
        std::pair{"a read hidden\na submit hidden2\n", "line 2: the name 'a' is given twice"},
        std::pair{"a read hidden\nb submit hidden\n", "line 2: 'b' has the token of another name"},
        std::pair{"a:read:hidden\n", "line 1: separate the name"}}) {
    const auto tokens = parse_tokens(text);
    EXPECT_THAT(tokens, IsError(Errc::invalid_argument, words)) << text;
    ASSERT_FALSE(tokens);
    EXPECT_THAT(tokens.error().message(), testing::Not(testing::HasSubstr("hidden")));
  }
}

}  // namespace
}  // namespace rtenv::server
