#include "remote/timestamp.hpp"

#include <gtest/gtest.h>

namespace rtenv::remote {
namespace {

TEST(Timestamp, ParsesIso8601AndHttpDates) {
  EXPECT_EQ(parse_timestamp("2009-10-12T17:50:30.000Z"), 1255369830);
  EXPECT_EQ(parse_timestamp("2009-10-12T17:50:30.123456Z"), 1255369830);
  EXPECT_EQ(parse_timestamp("Mon, 12 Oct 2009 17:50:30 GMT"), 1255369830);
  EXPECT_EQ(parse_timestamp(""), std::nullopt);
  EXPECT_EQ(parse_timestamp("yesterday"), std::nullopt);
}

}  // namespace
}  // namespace rtenv::remote
