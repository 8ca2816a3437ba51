#include "runtime_env/runtime_env.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime_env/yaml.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Result<RuntimeEnv> parse(std::string_view yaml) {
  RTENV_TRY(const json value, parse_yaml(yaml, "test.yaml"));
  return parse_runtime_env(value);
}

TEST(RuntimeEnv, IgnoresTheFieldsThatRaysClientAdds) {
  EXPECT_THAT(must(parse("pip: [six]\n_ray_commit: abc\n_ray_release: x\n_inject_current_ray: yes"))
                  .packages->requirements,
              ElementsAre("six"));
}

TEST(RuntimeEnv, ParsesTheLimitsOfAJob) {
  const auto limits = must(parse("config: {max_processes: 5, max_open_files: 64}")).limits;
  EXPECT_EQ(limits.max_processes, 5U);
  EXPECT_EQ(limits.max_open_files, 64U);
  const auto none = must(parse("config: {}")).limits;
  EXPECT_EQ(none.max_processes, std::nullopt);
  EXPECT_EQ(none.max_open_files, std::nullopt);
  for (const char* limit : {"max_processes", "max_open_files"})
    for (const char* bad : {"0", "-1", "'5'", "1.5", "null"})
      EXPECT_THAT(
          parse(fmt::format("config: {{{}: {}}}", limit, bad)),
          IsError(Errc::invalid_argument, fmt::format("{}'] must be a whole number", limit)));
}

TEST(RuntimeEnv, ParsesTheSetUpTimeout) {
  EXPECT_EQ(must(parse("{}")).setup_timeout, std::chrono::seconds(600)) << "Ray's default";
  EXPECT_EQ(must(parse("config: {setup_timeout_seconds: 5}")).setup_timeout,
            std::chrono::seconds(5));
  EXPECT_EQ(must(parse("config: {setup_timeout_seconds: -1}")).setup_timeout, std::nullopt);
}

TEST(RuntimeEnv, NeedsSetupUnlessItIsEmpty) {
  for (const char* text : {"null", "{}", "[1]", "5"})
    EXPECT_FALSE(needs_setup(json::parse(text))) << text;
  EXPECT_TRUE(needs_setup(json::parse(R"({"env_vars": {"A": "b"}})")));
}

TEST(RuntimeEnv, ParsesRtenvsExtensionsOfConfig) {
  const auto parsed = must(parse("config: {isolation: clone, inherit_site_packages: true}"));
  EXPECT_EQ(parsed.isolation, Isolation::clone);
  EXPECT_TRUE(parsed.inherit_site_packages);
}

TEST(RuntimeEnv, AnEmptyFieldCountsAsAbsent) {
  for (const char* text : {"", "{}", "uv: []", "uv: {packages: []}", "uv: null", "pip: ['', ' ']",
                           "env_vars: {}", "excludes: []"}) {
    const auto parsed = must(parse(text));
    EXPECT_FALSE(parsed.packages) << text;
    EXPECT_TRUE(parsed.env_vars.empty()) << text;
  }
}

struct InvalidCase {
  const char* yaml;
  const char* message;
};
class InvalidRuntimeEnv : public testing::TestWithParam<InvalidCase> {};

TEST_P(InvalidRuntimeEnv, IsRefusedAndTheMessageNamesTheField) {
  EXPECT_THAT(parse(GetParam().yaml), IsError(Errc::invalid_argument, GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, InvalidRuntimeEnv,
    testing::Values(
        InvalidCase{"[1]", "runtime_env must be a dict, got list"},
        InvalidCase{"working_dir: 3", "['working_dir'] must be a string, got int"},
        InvalidCase{"working_dir: ''", "['working_dir'] is empty"},
        InvalidCase{"excludes: '*.log'", "['excludes'] must be a list of strings, got str"},
        InvalidCase{"excludes: [1.5]", "['excludes'][0] must be a string, got float"},
        InvalidCase{
            "uv: 5",
            "['uv'] must be a list of strings, the path of a requirements file, or a dict, got "
            "int"},
        InvalidCase{"uv: [six, {a: b}]", "['uv'][1] must be a string, got dict"},
        InvalidCase{"uv: {packages: six}", "['uv']['packages'] must be a list of strings, got str"},
        InvalidCase{"uv: {uv_check: true}", "['uv'] must have the field 'packages'"},
        InvalidCase{"uv: {packages: [a], uv_check: 1}",
                    "['uv']['uv_check'] must be a boolean, got int"},
        InvalidCase{"uv: {packages: [a], uv_version: 0.4}",
                    "['uv']['uv_version'] must be a string, got float"},
        InvalidCase{"uv: {packages: [a], pip_check: true}",
                    "['uv'] has an unknown field 'pip_check'"},
        InvalidCase{"uv: [a]\npip: [b]", "exclude each other"},
        InvalidCase{"uv: {packages: [a], phases: [[b]]}",
                    "'packages' or the field 'phases', not both"},
        InvalidCase{"uv: {phases: []}", "['uv']['phases'] must be a list of lists of strings"},
        InvalidCase{"uv: {phases: [[a], []]}", "['uv']['phases'][1] names no packages"},
        InvalidCase{"config: {isolation: none}",
                    "['config']['isolation'] must be 'shared' or 'clone'"},
        InvalidCase{"config: {working_dir: mine}",
                    "['config']['working_dir'] must be 'own' or 'shared'"},
        InvalidCase{"config: {inherit_site_packages: 1}", "must be a boolean, got int"},
        InvalidCase{"py_executable: ' '", "['py_executable'] is empty"},
        InvalidCase{"env_vars: [A]", "['env_vars'] must be a dict of strings, got list"},
        InvalidCase{"env_vars: {A: 1}", "['env_vars']['A'] must be a string, got int"},
        InvalidCase{"env_vars: {A: yes}", "['env_vars']['A'] must be a string, got bool"},
        InvalidCase{"env_vars: {'A=B': x}", "can't be the name of a variable"},
        InvalidCase{"config: {setup_timeout_seconds: 0}", "must be greater than zero, or -1"},
        InvalidCase{"config: {setup_timeout_seconds: '9'}", "must be an int, got str"},
        InvalidCase{"conda: env",
                    "['conda'] is a field of Ray that rtenv doesn't support: it needs conda"},
        InvalidCase{"container: {image: x}", "['container'] is a field of Ray"}));

TEST(RuntimeEnv, SuggestsTheNearestNameForAnUnknownField) {
  EXPECT_EQ(parse("workin_dir: .").error().hint(), "did you mean 'working_dir'?");
  EXPECT_EQ(parse("uv: {pakages: [a]}").error().hint(), "did you mean 'packages'?");
}

TEST(RuntimeEnv, MessagesNeverShowTheValueOfAVariable) {
  const auto result = parse("env_vars: {TOKEN: [hunter2]}");
  EXPECT_THAT(result, IsError(Errc::invalid_argument, "TOKEN"));
  EXPECT_EQ(result.error().message().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::runtime_env
