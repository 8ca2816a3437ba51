#include "base/encoding.hpp"

#include <gtest/gtest.h>

namespace rtenv {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Encoding, PercentEncodeEncodesAllButUnreservedCharacters) {
  EXPECT_EQ(percent_encode("a b/c+d~é"), "a%20b%2Fc%2Bd~%C3%A9");
  EXPECT_EQ(percent_encode("a b/c", "/"), "a%20b/c");
}

TEST(Encoding, PercentDecodeAcceptsBothCasesAndCopiesInvalidEscapes) {
  EXPECT_EQ(percent_decode("a%2fb%2Fc%zz%4"), "a/b/c%zz%4");
  EXPECT_EQ(percent_decode("%"), "%");
}

TEST(Encoding, EncodesAndDecodesBase64) {
  EXPECT_EQ(base64(bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64(bytes("fo")), "Zm8=");
  EXPECT_EQ(base64(bytes("")), "");
  EXPECT_EQ(base64_url(bytes("\xfb\xff?")), "-_8_");
  const auto decoded = base64_decode("Zm8=");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->size(), 2U);
  EXPECT_FALSE(base64_decode("Zm8"));
  EXPECT_FALSE(base64_decode("Z!8="));
}

}  // namespace
}  // namespace rtenv
