#include "remote/json_field.hpp"

#include <gtest/gtest.h>

#include "base/json_text.hpp"

namespace rtenv::remote {
namespace {

TEST(JsonField, TextFieldIsEmptyUnlessItIsAString) {
  EXPECT_EQ(text_field(json_from_text(R"({"a": "text"})"), "a"), "text");
  for (const char* other : {R"({"a": 1})", R"({"b": "text"})", R"(["a"])", R"("a")", "not JSON"})
    EXPECT_EQ(text_field(json_from_text(other), "a"), "") << other;
}

TEST(JsonField, ReadsNumbersWrittenAsStrings) {
  EXPECT_EQ(number_field(json_from_text(R"({"size": "18446744073709551615"})"), "size"), ~0ULL);
  for (const char* other : {R"({"size": 1})", R"({"size": "x"})", "{}"})
    EXPECT_EQ(number_field(json_from_text(other), "size"), 0U) << other;
}

}  // namespace
}  // namespace rtenv::remote
