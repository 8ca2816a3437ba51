#include "base/bounded_json.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

using nlohmann::json;

std::string nested(std::size_t depth, char open, char close) {
  return std::string(depth, open) + std::string(depth, close);
}

TEST(BoundedJson, ReadsWhatIsWithinTheLimits) {
  EXPECT_EQ(must(parse_bounded_json(R"({"a": [1, 2.5, "ü", null, true, {}]})")),
            json({{"a", {1, 2.5, "ü", nullptr, true, json::object()}}}));
  EXPECT_TRUE(parse_bounded_json(nested(64, '[', ']')));
}

TEST(BoundedJson, SaysWhereTextIsNotJson) {
  EXPECT_THAT(parse_bounded_json(""), IsError(Errc::invalid_argument, "it is empty"));
  EXPECT_THAT(parse_bounded_json("{\"a\": ,}"),
              IsError(Errc::invalid_argument, "parse error at line 1, column 7"));
  EXPECT_THAT(parse_bounded_json("{} x"), IsError(Errc::invalid_argument, "parse error"));
}

TEST(BoundedJson, RefusesDepthHoweverLarge) {
  EXPECT_THAT(parse_bounded_json(nested(65, '[', ']')),
              IsError(Errc::invalid_argument, "more than 64 arrays and objects in each other"));
  EXPECT_THAT(parse_bounded_json(std::string(2'000'000, '[')), IsError(Errc::invalid_argument));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(parse_bounded_json(objects), IsError(Errc::invalid_argument));
}

TEST(BoundedJson, RefusesLongNamesAndStrings) {
  const std::string text(11, 'x');
  EXPECT_THAT(parse_bounded_json("{\"" + text + "\": 1}", {.name_bytes = 10}),
              IsError(Errc::invalid_argument, "a name has more than 10 bytes"));
  EXPECT_THAT(parse_bounded_json("[\"" + text + "\"]", {.string_bytes = 10}),
              IsError(Errc::invalid_argument, "a string has more than 10 bytes"));
}

TEST(BoundedJson, RefusesManyValues) {
  EXPECT_TRUE(parse_bounded_json("[1, 2]", {.values = 3}));
  EXPECT_THAT(parse_bounded_json("[1, 2, 3]", {.values = 3}),
              IsError(Errc::invalid_argument, "more than 3 values"));
}

}  // namespace
}  // namespace rtenv
