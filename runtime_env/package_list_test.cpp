#include "runtime_env/package_list.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using testing::ElementsAre;

Result<std::optional<PackageList>> parse(InstallerKind kind, std::string_view text) {
  return parse_package_list(kind, json::parse(text));
}
PackageList parsed(InstallerKind kind, std::string_view text) {
  return must(parse(kind, text)).value();
}

TEST(PackageList, RemovesDuplicatesFromAList) {
  EXPECT_THAT(parsed(InstallerKind::uv, R"(["six", "six", "requests"])").requirements,
              ElementsAre("six", "requests"));
}

TEST(PackageList, AcceptsADict) {
  const auto list = parsed(InstallerKind::pip,
                           R"({"packages": ["a"], "pip_check": true, "pip_version": "==23.1",
          "pip_install_options": ["--pre"]})");
  EXPECT_EQ(list.installer, InstallerKind::pip);
  EXPECT_TRUE(list.check);
  EXPECT_EQ(list.version, "==23.1");
  EXPECT_THAT(list.install_options, ElementsAre("--pre"));
}

TEST(PackageList, AcceptsARequirementsFile) {
  TreeBuilder tree;
  tree.file("requirements.txt", "six\r\n# c\nrequests\n");
  const json path = (tree / "requirements.txt").native();
  const json dict{{"packages", path}};
  for (const json& value : {path, dict})
    EXPECT_THAT(must(parse_package_list(InstallerKind::pip, value))->requirements,
                ElementsAre("six", "# c", "requests"));
  EXPECT_THAT(parse_package_list(InstallerKind::uv, dict), IsError(Errc::invalid_argument))
      << "in the dict form, as in Ray, only for pip";
  EXPECT_THAT(parse_package_list(InstallerKind::uv, (tree / "none.txt").native()),
              IsError(Errc::not_found, "runtime_env['uv']"));
}

TEST(PackageList, AcceptsPhasesInsteadOfPackages) {
  const auto list =
      parsed(InstallerKind::uv, R"({"phases": [["torch"], ["flash-attn", "six", "six"]]})");
  EXPECT_THAT(list.requirements, ElementsAre("torch"));
  EXPECT_THAT(list.later_phases, ElementsAre(ElementsAre("flash-attn", "six")));
}

TEST(PackageList, HasRaysDefaultOptionsButUvUsesItsCache) {
  EXPECT_THAT(parsed(InstallerKind::uv, R"(["a"])").install_options, ElementsAre());
  EXPECT_THAT(parsed(InstallerKind::pip, R"(["a"])").install_options,
              ElementsAre("--disable-pip-version-check", "--no-cache-dir"));
}

TEST(PackageList, AStringThatIsNoFileIsExplained) {
  const auto list = parse(InstallerKind::uv, R"("six")");
  ASSERT_THAT(list, IsError(Errc::not_found));
  EXPECT_THAT(list.error().hint(), testing::HasSubstr("packages are a list"));
}

TEST(PackageList, IsNulloptForAnEmptyList) {
  for (const char* text : {"[]", R"(["", " "])", R"({"packages": []})"})
    EXPECT_EQ(must(parse(InstallerKind::uv, text)).has_value(), false) << text;
}

TEST(PackageList, RefusesWhatCannotBeARequirementWithItsPlace) {
  EXPECT_THAT(parse(InstallerKind::uv, R"(["six", "=="])"),
              IsError(Errc::invalid_argument, "runtime_env['uv'][1]: '==' isn't a requirement"));
  EXPECT_THAT(parse(InstallerKind::pip, R"({"phases": [["six"], ["six six"]]})"),
              IsError(Errc::invalid_argument, "runtime_env['pip']['phases'][1][0]"));
  EXPECT_THAT(parse(InstallerKind::uv, R"(["${NAME}", "a \\", "--hash=sha256:00"])"), IsOk());
  TreeBuilder tree;
  tree.file("list.txt", "six\n\n==\n");
  EXPECT_THAT(parse(InstallerKind::uv, json((tree / "list.txt").native()).dump()),
              IsError(Errc::invalid_argument, "list.txt, line 3: '=='"));
}

}  // namespace
}  // namespace rtenv::runtime_env
