#include "runtime_env/key_difference.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

class KeyDifferences : public testing::Test {
 protected:
  // After one change of the key's parts.
  template <class Change>
  std::vector<std::string> after(Change change) {
    const json before = parts_;
    change(parts_);
    std::vector<std::string> texts;
    for (const KeyDifference& difference : key_differences(before, parts_))
      texts.push_back(to_text(difference));
    return texts;
  }

  json parts_ = json::parse(R"({
    "check": false, "constraints": [], "installer": "uv", "key_version": 3,
    "interpreter": {"abi": "a", "implementation": "cpython", "version": "3.11.2"},
    "options": ["--pre", "--index-url", "https://one"], "settings": {"CFLAGS": "-O1"},
    "requirements": ["numpy", "pandas==2.2.0"]})");
};

TEST_F(KeyDifferences, OfEqualPartsAreNone) {
  EXPECT_THAT(after([](json&) {}), IsEmpty());
}

TEST_F(KeyDifferences, VersionsOfOneProjectAreOneDifference) {
  EXPECT_THAT(after([](json& parts) {
                parts["requirements"] = {"numpy", "Pandas==2.2.1"};
              }),
              ElementsAre("requirement Pandas==2.2.1 (was pandas==2.2.0)"));
}

TEST_F(KeyDifferences, SayWhatWasAddedAndRemoved) {
  EXPECT_THAT(after([](json& parts) {
                parts["requirements"] = {"pandas==2.2.0", "six"};
              }),
              ElementsAre("requirement numpy (removed)", "requirement six (added)"));
  EXPECT_THAT(after([](json& parts) { parts["constraints"] = {"six<2"}; }),
              ElementsAre("constraint six<2 (added)"));
}

TEST_F(KeyDifferences, AWheelIsAVersionOfItsProject) {
  const std::string wheel =
      "pandas-2.2.0-py3-none-any.whl sha256:0123456789abcdef0123456789abcdef0123456789abcdef";
  EXPECT_THAT(
      after([&](json& parts) {
        parts["requirements"] = {"numpy", wheel};
      }),
      ElementsAre(
          "requirement pandas-2.2.0-py3-none-any.whl sha256:0123456789ab… (was pandas==2.2.0)"));
}

TEST_F(KeyDifferences, NameChangedOptions) {
  EXPECT_THAT(after([](json& parts) {
                parts["options"] = {"--pre", "--index-url", "https://two"};
              }),
              ElementsAre("option https://two (was https://one)"));
}

TEST_F(KeyDifferences, TheOrderOfOptionsCounts) {
  const auto found = after([](json& parts) {
    parts["options"] = {"--index-url", "https://one", "--pre"};
  });
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], testing::StartsWith("order of options "));
}

TEST_F(KeyDifferences, NameTheFileOfAFolder) {
  parts_["options"] = {{{"find-links", {"a.whl sha256:1", "b.whl sha256:2"}}},
                       {{"option", "--constraint="}, {"content", {"c.txt sha256:3"}}}};
  EXPECT_THAT(after([](json& parts) { parts["options"][0]["find-links"][1] = "b.whl sha256:4"; }),
              ElementsAre("option --find-links b.whl sha256:4 (was --find-links b.whl sha256:2)"));
}

TEST_F(KeyDifferences, NameTheSettingOrTheFile) {
  EXPECT_THAT(
      after([](json& parts) {
        parts["settings"] = {{"CFLAGS", "-O2"}, {"UV_INDEX_URL", "https://index"}};
      }),
      ElementsAre("setting CFLAGS -O2 (was -O1)", "setting UV_INDEX_URL https://index (added)"));
  EXPECT_THAT(after([](json& parts) { parts["settings"]["files"] = {"sha256:1"}; }),
              ElementsAre("configuration file sha256:1 (added)"));
  EXPECT_THAT(after([](json& parts) { parts["settings"]["CFLAGS"] = {"flags sha256:1"}; }),
              ElementsAre("setting CFLAGS -O2 (removed)", "setting CFLAGS flags sha256:1 (added)"));
}

TEST_F(KeyDifferences, NameTheRest) {
  EXPECT_THAT(after([](json& parts) { parts["interpreter"]["version"] = "3.12.0"; }),
              ElementsAre("interpreter version 3.12.0 (was 3.11.2)"));
  EXPECT_THAT(after([](json& parts) { parts["installer"] = "pip"; }),
              ElementsAre("installer pip (was uv)"));
  EXPECT_THAT(after([](json& parts) { parts["installer_version"] = "==24.0"; }),
              ElementsAre("installer version ==24.0 (added)"));
  EXPECT_THAT(after([](json& parts) { parts["check"] = true; }),
              ElementsAre("check true (was false)"));
  EXPECT_THAT(after([](json& parts) { parts["inherits"] = "/usr/lib"; }),
              ElementsAre("inherited packages /usr/lib (added)"));
  EXPECT_THAT(after([](json& parts) {
                parts["unheard"] = {{"of", 1}};
              }),
              ElementsAre("unheard of 1 (added)"));
}

TEST_F(KeyDifferences, NameThePhase) {
  parts_["later_phases"] = {{{"requirements", {"six"}}}};
  EXPECT_THAT(
      after([](json& parts) { parts["later_phases"][0]["requirements"] = {"six==1.16.0"}; }),
      ElementsAre("phase 2 requirement six==1.16.0 (was six)"));
  EXPECT_THAT(after([](json& parts) { parts.erase("later_phases"); }),
              ElementsAre("phase 2 requirement six==1.16.0 (removed)"));
}

TEST_F(KeyDifferences, ReadDamagedPartsWithoutFailing) {
  for (const char* text : {"null", "[]", R"({"requirements": 1, "options": {"a": []}})",
                           R"({"later_phases": [1, null], "settings": "x"})"}) {
    const json damaged = json::parse(text);
    key_differences(parts_, damaged);
    key_differences(damaged, parts_);
    EXPECT_THAT(key_differences(damaged, damaged), IsEmpty());
  }
}

TEST(HaveCommonRequirement, IgnoresVersions) {
  const json a{{"requirements", {"pandas==1", "six"}}};
  EXPECT_TRUE(have_common_requirement(a, json{{"requirements", {"Pandas>=2"}}}));
  EXPECT_FALSE(have_common_requirement(a, json{{"requirements", {"numpy"}}}));
}

}  // namespace
}  // namespace rtenv::runtime_env
