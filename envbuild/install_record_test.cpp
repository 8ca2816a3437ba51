#include "envbuild/install_record.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::envbuild {
namespace {

TEST(InstallRecord, HasPathsHashesAndSizes) {
  const auto rows = must(parse_record("six.py,sha256=AbC_-1,34703\r\nsix.dist-info/RECORD,,\r\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].path, "six.py");
  EXPECT_EQ(rows[0].algorithm, "sha256");
  EXPECT_EQ(rows[0].digest, "AbC_-1");
  EXPECT_EQ(rows[0].size_bytes, 34703U);
  EXPECT_EQ(rows[1].path, "six.dist-info/RECORD");
  EXPECT_EQ(rows[1].algorithm, "");
  EXPECT_EQ(rows[1].size_bytes, std::nullopt);
}

TEST(InstallRecord, MayQuotePaths) {
  const auto rows =
      must(parse_record("\"a, \"\"b\"\".py\",sha512=x,1\n\"two\nlines\",,\n\"\"\"\",,"));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].path, "a, \"b\".py");
  EXPECT_EQ(rows[0].algorithm, "sha512");
  EXPECT_EQ(rows[1].path, "two\nlines");
  EXPECT_EQ(rows[2].path, "\"");
}

TEST(InstallRecord, MayHaveShortRowsEmptyLinesAndPaddedHashes) {
  const auto rows = must(parse_record("a.py\n\nb.py,sha256=x==\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].path, "a.py");
  EXPECT_EQ(rows[1].digest, "x");
  EXPECT_TRUE(must(parse_record("")).empty());
}

TEST(InstallRecord, IsCorruptIfARowCannotBeRead) {
  for (const char* text : {"\"a,,\n", "\"a\"b,,\n", "a,sha256,1\n", "a,sha256=x,1b\n",
                           "a,sha256=x,-1\n", "a,,,\n", ",sha256=x,1\n"})
    EXPECT_THAT(parse_record(text), IsError(Errc::corrupt)) << text;
}

}  // namespace
}  // namespace rtenv::envbuild
