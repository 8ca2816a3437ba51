#include "cli/duration.hpp"

#include <gtest/gtest.h>

namespace rtenv::cli {
namespace {

using std::chrono::seconds;

TEST(Duration, ParsesEachUnit) {
  EXPECT_EQ(parse_duration("90").value(), seconds(90));
  EXPECT_EQ(parse_duration("90s").value(), seconds(90));
  EXPECT_EQ(parse_duration("10m").value(), seconds(600));
  EXPECT_EQ(parse_duration("2h").value(), seconds(7200));
  EXPECT_EQ(parse_duration("30d").value(), seconds(30 * 86400));
}

TEST(Duration, RejectsOtherText) {
  for (const char* text : {"", "s", "-1s", "1.5h", "3x", "1 d", "9999999999d"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace rtenv::cli
