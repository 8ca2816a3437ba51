#include "cli/byte_size.hpp"

#include <gtest/gtest.h>

namespace rtenv::cli {
namespace {

TEST(ByteSize, ParsesPlainNumbersAsBytes) {
  EXPECT_EQ(parse_byte_size("0").value(), 0U);
  EXPECT_EQ(parse_byte_size("4096").value(), 4096U);
  EXPECT_EQ(parse_byte_size("4096B").value(), 4096U);
}

TEST(ByteSize, ParsesUnitsOf1024And1000) {
  EXPECT_EQ(parse_byte_size("2K").value(), 2048U);
  EXPECT_EQ(parse_byte_size("2KiB").value(), 2048U);
  EXPECT_EQ(parse_byte_size("2KB").value(), 2000U);
  EXPECT_EQ(parse_byte_size("10GiB").value(), 10ULL << 30U);
  EXPECT_EQ(parse_byte_size("1.5 GiB").value(), 3ULL << 29U);
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
}  // namespace rtenv::cli
