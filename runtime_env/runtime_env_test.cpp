#include "runtime_env/runtime_env.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime_env/yaml.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Result<RuntimeEnv> parse(std::string_view yaml) {
  RTENV_TRY(const json value, parse_yaml(yaml, "test.yaml"));
  return parse_runtime_env(value);
}

TEST(RuntimeEnv, TakesAllThreeFormsOfPackages) {
  EXPECT_THAT(must(parse("uv: [six, six, requests]")).packages->requirements,
              ElementsAre("six", "requests"));
  const auto dict = must(parse(
      "pip: {packages: [a], pip_check: yes, pip_version: '==23.1', pip_install_options: [--pre]}"));
  EXPECT_EQ(dict.packages->installer, InstallerKind::pip);
  EXPECT_TRUE(dict.packages->check);
  EXPECT_EQ(dict.packages->version, "==23.1");
  EXPECT_THAT(dict.packages->install_options, ElementsAre("--pre"));
  TreeBuilder tree;
  tree.file("requirements.txt", "six\r\n# c\nrequests\n");
  EXPECT_THAT(must(parse("uv: " + (tree / "requirements.txt").native())).packages->requirements,
              ElementsAre("six", "# c", "requests"));
}

TEST(RuntimeEnv, PassesOverWhatRaysClientAdds) {
  EXPECT_THAT(must(parse("pip: [six]\n_ray_commit: abc\n_ray_release: x\n_inject_current_ray: yes"))
                  .packages->requirements,
              ElementsAre("six"));
}

TEST(RuntimeEnv, TakesPhasesInsteadOfPackages) {
  const auto parsed = must(parse("uv: {phases: [[torch], [flash-attn, six, six]]}"));
  EXPECT_THAT(parsed.packages->requirements, ElementsAre("torch"));
  EXPECT_THAT(parsed.packages->later_phases, ElementsAre(ElementsAre("flash-attn", "six")));
}

TEST(RuntimeEnv, ChecksTheLimitsOfAJob) {
  EXPECT_THAT(parse("config: {max_processes: 5, max_open_files: 64}"), IsOk());
  for (const char* bad : {"0", "-1", "'5'", "1.5"})
    EXPECT_THAT(parse(fmt::format("config: {{max_processes: {}}}", bad)),
                IsError(Errc::invalid_argument, "max_processes"));
}

TEST(RuntimeEnv, TakesItsOwnEntriesOfConfig) {
  const auto parsed = must(parse("config: {isolation: clone, inherit_site_packages: true}"));
  EXPECT_EQ(parsed.isolation, Isolation::clone);
  EXPECT_TRUE(parsed.inherit_site_packages);
}

TEST(RuntimeEnv, DefaultsAreRaysButUvSharesItsCache) {
  EXPECT_THAT(must(parse("uv: [a]")).packages->install_options, ElementsAre());
  EXPECT_THAT(must(parse("pip: [a]")).packages->install_options,
              ElementsAre("--disable-pip-version-check", "--no-cache-dir"));
  EXPECT_EQ(must(parse("{}")).setup_timeout, std::chrono::seconds(600));
  EXPECT_EQ(must(parse("config: {setup_timeout_seconds: -1}")).setup_timeout, std::nullopt);
}

TEST(RuntimeEnv, EmptyIsAsIfAbsent) {
  for (const char* text : {"", "{}", "uv: []", "uv: {packages: []}", "uv: null", "pip: ['', ' ']",
                           "env_vars: {}", "excludes: []"}) {
    const auto parsed = must(parse(text));
    EXPECT_FALSE(parsed.packages) << text;
    EXPECT_TRUE(parsed.env_vars.empty()) << text;
  }
}

struct Wrong {
  const char* yaml;
  const char* message;
};
class WrongRuntimeEnv : public testing::TestWithParam<Wrong> {};

TEST_P(WrongRuntimeEnv, IsRefusedByNameOfTheField) {
  EXPECT_THAT(parse(GetParam().yaml), IsError(Errc::invalid_argument, GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongRuntimeEnv,
    testing::Values(
        Wrong{"[1]", "runtime_env must be a dict, got list"},
        Wrong{"working_dir: 3", "['working_dir'] must be a string, got int"},
        Wrong{"working_dir: ''", "['working_dir'] is empty"},
        Wrong{"excludes: '*.log'", "['excludes'] must be a list of strings, got str"},
        Wrong{"excludes: [1.5]", "['excludes'][0] must be a string, got float"},
        Wrong{"uv: 5",
              "['uv'] must be a list of strings, the path of a requirements file, or a dict, got "
              "int"},
        Wrong{"uv: [six, {a: b}]", "['uv'][1] must be a string, got dict"},
        Wrong{"uv: {packages: six}", "['uv']['packages'] must be a list of strings, got str"},
        Wrong{"uv: {uv_check: true}", "['uv'] must have the field 'packages'"},
        Wrong{"uv: {packages: [a], uv_check: 1}", "['uv']['uv_check'] must be a boolean, got int"},
        Wrong{"uv: {packages: [a], uv_version: 0.4}",
              "['uv']['uv_version'] must be a string, got float"},
        Wrong{"uv: {packages: [a], pip_check: true}", "['uv'] has an unknown field 'pip_check'"},
        Wrong{"uv: [a]\npip: [b]", "exclude each other"},
        Wrong{"uv: {packages: [a], phases: [[b]]}", "'packages' or the field 'phases', not both"},
        Wrong{"uv: {phases: []}", "['uv']['phases'] must be a list of lists of strings"},
        Wrong{"uv: {phases: [[a], []]}", "['uv']['phases'][1] names no packages"},
        Wrong{"config: {isolation: none}", "['config']['isolation'] must be 'shared' or 'clone'"},
        Wrong{"config: {inherit_site_packages: 1}", "must be a boolean, got int"},
        Wrong{"py_executable: ' '", "['py_executable'] is empty"},
        Wrong{"env_vars: [A]", "['env_vars'] must be a dict of strings, got list"},
        Wrong{"env_vars: {A: 1}", "['env_vars']['A'] must be a string, got int"},
        Wrong{"env_vars: {A: yes}", "['env_vars']['A'] must be a string, got bool"},
        Wrong{"env_vars: {'A=B': x}", "can't be the name of a variable"},
        Wrong{"config: {setup_timeout_seconds: 0}", "must be greater than zero, or -1"},
        Wrong{"config: {setup_timeout_seconds: '9'}", "must be an int, got str"},
        Wrong{"conda: env",
              "['conda'] is a field of Ray that rtenv doesn't carry out: it needs conda"},
        Wrong{"container: {image: x}", "['container'] is a field of Ray"}));

TEST(RuntimeEnv, AnUnknownFieldSuggestsTheNearest) {
  EXPECT_EQ(parse("workin_dir: .").error().hint(), "did you mean 'working_dir'?");
  EXPECT_EQ(parse("uv: {pakages: [a]}").error().hint(), "did you mean 'packages'?");
}

TEST(RuntimeEnv, AMessageNeverShowsAVariablesValue) {
  const auto result = parse("env_vars: {TOKEN: [hunter2]}");
  EXPECT_THAT(result, IsError(Errc::invalid_argument, "TOKEN"));
  EXPECT_EQ(result.error().message().find("hunter2"), std::string::npos);
}

// The right-hand sides are what PyYAML 6.0's safe_load gives.
TEST(Yaml, ReadsScalarsAsPyYamlDoes) {
  const std::pair<const char*, json> cases[] = {
      {"yes", true},      {"Off", false},      {"y", "y"},
      {"TRUE", true},     {"tRUE", "tRUE"},    {"010", 8},
      {"0o10", "0o10"},   {"0x1F", 31},        {"0b101", 5},
      {"1_000", 1000},    {"09", "09"},        {"-7", -7},
      {"+7", 7},          {"1:30", 90},        {"1.5", 1.5},
      {"1e3", "1e3"},     {"1.0e+3", 1000.0},  {"1.5e3", "1.5e3"},
      {".5", 0.5},        {"5.", 5.0},         {"~", nullptr},
      {"Null", nullptr},  {"'yes'", "yes"},    {"\"010\"", "010"},
      {"1:30.5", 90.5},   {"12:30:45", 45045}, {"1.2.3", "1.2.3"},
      {"==1.0", "==1.0"}, {"!!str 5", "5"},    {"-", json::array({nullptr})}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(must(parse_yaml(text, "t")), expected) << text;
}

TEST(Yaml, MergesAnchorsAndLetsTheLastOfTwoEqualKeysWin) {
  EXPECT_EQ(must(parse_yaml("base: &b {x: 1, y: 2}\nd: {<<: *b, y: 3}\n", "t"))["d"],
            (json{{"x", 1}, {"y", 3}}));
  EXPECT_EQ(must(parse_yaml("a: 1\na: 2\n", "t")), (json{{"a", 2}}));
}

TEST(Yaml, SaysLineAndColumn) {
  EXPECT_THAT(parse_yaml("uv:\n  - six\n bad: [", "env.yaml"),
              IsError(Errc::invalid_argument, "env.yaml, line 3, column"));
  EXPECT_THAT(parse_yaml("a: 1\nb: 2024-01-31\n", "env.yaml"),
              IsError(Errc::invalid_argument, "line 2, column 4: 2024-01-31 is a date"));
  EXPECT_THAT(parse_yaml("a: !foo x", "env.yaml"), IsError(Errc::invalid_argument, "tag !foo"));
  EXPECT_THAT(parse_yaml("1: x", "env.yaml"),
              IsError(Errc::invalid_argument, "the key 1 isn't a string"));
  EXPECT_THAT(parse_json("{\"a\": 1,\n  b}", "env.json"),
              IsError(Errc::invalid_argument, "env.json, line 2, column 3"));
}

TEST(Yaml, ABombOfAliasesIsRefused) {
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

}  // namespace
}  // namespace rtenv::runtime_env
