#include "base/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rtenv {
namespace {

using nlohmann::json;

TEST(JsonText, WritesOneLineOrIndented) {
  const json value = {{"a", {1, 2}}};
  EXPECT_EQ(json_text(value), R"({"a":[1,2]})");
  EXPECT_EQ(pretty_json_text(value), "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
}

TEST(JsonText, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_text(json("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(JsonText, ParsesJsonAndDiscardsEverythingElse) {
  EXPECT_EQ(json_from_text("[1]"), json::array({1}));
  const json invalid = json_from_text("[1");
  EXPECT_TRUE(invalid.is_discarded());
  EXPECT_FALSE(invalid.is_object());
  EXPECT_FALSE(invalid.is_null());
}

}  // namespace
}  // namespace rtenv
