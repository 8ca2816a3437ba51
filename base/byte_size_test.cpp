#include "base/byte_size.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(ByteSize, ParsesPlainNumbersAsBytes) {
  EXPECT_EQ(must(parse_byte_size("0")), 0U);
  EXPECT_EQ(must(parse_byte_size("4096")), 4096U);
  EXPECT_EQ(must(parse_byte_size("4096B")), 4096U);
}

TEST(ByteSize, ParsesUnitsOf1024And1000) {
  EXPECT_EQ(must(parse_byte_size("2K")), 2048U);
  EXPECT_EQ(must(parse_byte_size("2KiB")), 2048U);
  EXPECT_EQ(must(parse_byte_size("2KB")), 2000U);
  EXPECT_EQ(must(parse_byte_size("10GiB")), 10ULL << 30U);
  EXPECT_EQ(must(parse_byte_size("1.5 GiB")), 3ULL << 29U);
}

TEST(ByteSize, RejectsOtherText) {
  for (const char* text : {"", "lots", "-1", "3x", "3KX", "G", "20000P"}) {
    const auto parsed = parse_byte_size(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), Errc::invalid_argument) << text;
  }
}

TEST(ByteSize, FormatsWithOneDecimal) {
  EXPECT_EQ(format_byte_size(0), "0 B");
  EXPECT_EQ(format_byte_size(1023), "1023 B");
  EXPECT_EQ(format_byte_size(1536), "1.5 KiB");
  EXPECT_EQ(format_byte_size(20ULL << 30U), "20.0 GiB");
}

}  // namespace
}  // namespace rtenv
