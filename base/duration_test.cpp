#include "base/duration.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

using std::chrono::seconds;

TEST(Duration, ParsesEachUnit) {
  EXPECT_EQ(must(parse_duration("90")), seconds(90));
  EXPECT_EQ(must(parse_duration("90s")), seconds(90));
  EXPECT_EQ(must(parse_duration("10m")), seconds(600));
  EXPECT_EQ(must(parse_duration("2h")), seconds(7200));
  EXPECT_EQ(must(parse_duration("30d")), seconds(30 * 86400));
}

TEST(Duration, RejectsOtherText) {
  for (const char* text : {"", "s", "-1s", "1.5h", "3x", "1 d", "9999999999d"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace rtenv
