#include "runtime_env/yaml_scalar.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// The expected values are what PyYAML 6.0's safe_load returns.
TEST(YamlScalar, ResolvesLikePyYaml) {
  const std::pair<const char*, json> cases[] = {
      {"yes", true},      {"Off", false},        {"y", "y"},
      {"TRUE", true},     {"tRUE", "tRUE"},      {"010", 8},
      {"0o10", "0o10"},   {"0x1F", 31},          {"0b101", 5},
      {"1_000", 1000},    {"09", "09"},          {"-7", -7},
      {"+7", 7},          {"1:30", 90},          {"1.5", 1.5},
      {"1e3", "1e3"},     {"1.0e+3", 1000.0},    {"1.5e3", "1.5e3"},
      {".5", 0.5},        {"5.", 5.0},           {"~", nullptr},
      {"Null", nullptr},  {"", nullptr},         {"1:30.5", 90.5},
      {"-1:30", -90},     {"12:30:45", 45045},   {"1.2.3", "1.2.3"},
      {"==1.0", "==1.0"}, {"1:60", "1:60"},      {"0b12", "0b12"},
      {"0xG", "0xG"},     {"_1", "_1"},          {"+", "+"},
      {"-.5", "-.5"},     {"six-1.0", "six-1.0"}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(resolve_plain_scalar(text), expected) << text;
}

TEST(YamlScalar, ResolvesInfinityAndNan) {
  EXPECT_EQ(resolve_plain_scalar("-.inf")->get<double>(), -INFINITY);
  EXPECT_TRUE(std::isnan(resolve_plain_scalar(".NaN")->get<double>()));
  EXPECT_EQ(resolve_plain_scalar("+.nan"), json("+.nan"));
}

TEST(YamlScalar, ReturnsNulloptForADate) {
  for (const char* date : {"2024-01-31", "2024-01-31T10:20:30Z", "2024-1-3 10:20:30"})
    EXPECT_EQ(resolve_plain_scalar(date), std::nullopt) << date;
  for (const char* text : {"2024-1-3", "2024-01-31x", "2024-", "24-01-31"})
    EXPECT_EQ(resolve_plain_scalar(text), json(text)) << text;
}

}  // namespace
}  // namespace rtenv::runtime_env
