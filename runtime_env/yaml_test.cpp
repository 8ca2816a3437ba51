#include "runtime_env/yaml.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

TEST(Yaml, QuotedAndTaggedScalarsAreStrings) {
  const std::pair<const char*, json> cases[] = {{"'yes'", "yes"},
                                                {"\"010\"", "010"},
                                                {"!!str 5", "5"},
                                                {"yes", true},
                                                {"-", json::array({nullptr})},
                                                {"", nullptr}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(must(parse_yaml(text, "t")), expected) << text;
}

TEST(Yaml, MergesMapsByAnchor) {
  EXPECT_EQ(must(parse_yaml("base: &b {x: 1, y: 2}\nd: {<<: *b, y: 3}\n", "t"))["d"],
            (json{{"x", 1}, {"y", 3}}));
  EXPECT_EQ(must(parse_yaml("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nd: {<<: [*a, *b]}\n", "t"))["d"],
            (json{{"x", 1}, {"y", 2}}));
  EXPECT_THAT(parse_yaml("<<: 5", "t"),
              IsError(Errc::invalid_argument, "only a map can be merged"));
}

TEST(Yaml, LastOfTwoEqualKeysWins) {
  EXPECT_EQ(must(parse_yaml("a: 1\na: 2\n", "t")), (json{{"a", 2}}));
}

TEST(Yaml, ErrorsShowLineAndColumn) {
  EXPECT_THAT(parse_yaml("uv:\n  - six\n bad: [", "env.yaml"),
              IsError(Errc::invalid_argument, "env.yaml, line 3, column"));
  EXPECT_THAT(parse_yaml("a: 1\nb: 2024-01-31\n", "env.yaml"),
              IsError(Errc::invalid_argument, "line 2, column 4: YAML reads 2024-01-31 as a date"));
  EXPECT_THAT(parse_yaml("a: !foo x", "env.yaml"), IsError(Errc::invalid_argument, "tag !foo"));
  EXPECT_THAT(parse_yaml("1: x", "env.yaml"),
              IsError(Errc::invalid_argument, "the key 1 isn't a string"));
  EXPECT_THAT(parse_json("{\"a\": 1,\n  b}", "env.json"),
              IsError(Errc::invalid_argument, "env.json, line 2, column 3"));
}

TEST(Yaml, RefusesAnAliasBomb) {
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    bomb += fmt::format("{0}: &{0} [", c);
    for (int i = 0; i < 9; ++i)
      bomb += fmt::format("{}*{}", i ? "," : "", static_cast<char>(c - 1));
    bomb += "]\n";
  }
  EXPECT_THAT(parse_yaml(bomb, "t"),
              IsError(Errc::invalid_argument, "too large once its aliases are expanded"));
}

TEST(Yaml, RefusesDeepNesting) {
  EXPECT_THAT(parse_yaml(std::string(102, '[') + std::string(102, ']'), "t"),
              IsError(Errc::invalid_argument, "nested too deeply"));
}

TEST(Yaml, FileExtensionSelectsJsonOrYaml) {
  TreeBuilder tree;
  tree.file("env.json", "yes").file("env.yaml", "yes");
  EXPECT_THAT(load_structured_file(tree / "env.json"), IsError(Errc::invalid_argument));
  EXPECT_EQ(must(load_structured_file(tree / "env.yaml")), true);
  EXPECT_THAT(load_structured_file(tree / "none.yaml"), IsError(Errc::not_found));
}

}  // namespace
}  // namespace rtenv::runtime_env
