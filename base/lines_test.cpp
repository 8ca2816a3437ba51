#include "base/lines.hpp"

#include <gmock/gmock.h>

namespace rtenv {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Lines, SplitsAtLfAndCrlf) {
  EXPECT_THAT(lines_of("a\nb\r\n\nc"), ElementsAre("a", "b", "", "c"));
}

TEST(Lines, TrailingNewlineAddsNoEmptyLine) {
  EXPECT_THAT(lines_of("a\n"), ElementsAre("a"));
  EXPECT_THAT(lines_of("\n"), ElementsAre(""));
  EXPECT_THAT(lines_of(""), IsEmpty());
}

}  // namespace
}  // namespace rtenv
