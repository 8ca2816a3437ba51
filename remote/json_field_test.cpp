#include "remote/json_field.hpp"

#include <gtest/gtest.h>

#include "base/json_text.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

TEST(JsonField, TextFieldIsEmptyUnlessItIsAString) {
  EXPECT_EQ(text_field(json_from_text(R"({"a": "text"})"), "a"), "text");
  for (const char* other : {R"({"a": 1})", R"({"b": "text"})", R"(["a"])", R"("a")", "not JSON"})
    EXPECT_EQ(text_field(json_from_text(other), "a"), "") << other;
}

TEST(JsonField, ReadsNumbersWrittenAsStrings) {
  EXPECT_EQ(number_field(json_from_text(R"({"size": "18446744073709551615"})"), "size"), ~0ULL);
  for (const char* other : {R"({"size": 1})", R"({"size": "x"})", R"({"size": "5x"})", "{}"})
    EXPECT_EQ(number_field(json_from_text(other), "size"), std::nullopt) << other;
}

TEST(JsonField, AnObjectIsWholeOrCutOff) {
  EXPECT_THAT(parse_json_object(R"({"a": {}})", "gs://b/o"), IsOk());
  for (const char* const cut : {"", " \n", "{", R"({"a": {})"})
    EXPECT_THAT(parse_json_object(cut, "gs://b/o"), IsError(Errc::unavailable, "was cut off"))
        << cut;
  for (const char* const other : {"[]", "1", "null", "<html>", "no"})
    EXPECT_THAT(parse_json_object(other, "gs://b/o"),
                IsError(Errc::invalid_argument, "gs://b/o: the response isn't a JSON object"))
        << other;
}

}  // namespace
}  // namespace rtenv::remote
