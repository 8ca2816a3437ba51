#include "runtime_env/pinning.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr const char* k_commit = "0123456789abcdef0123456789abcdef01234567";

// The first unpinned item, or "" if there is none.
std::string unpinned(const std::vector<std::string>& requirements,
                     const json& options = json::array(),
                     const std::vector<std::string>& constraints = {}) {
  const json parts{
      {"requirements", requirements}, {"options", options}, {"constraints", constraints}};
  return first_unpinned(parts).value_or("");
}

TEST(FirstUnpinned, FindsNamesWithoutAnExactVersion) {
  EXPECT_EQ(unpinned({"six==1.16.0", "foo[x] === 1.0", "bar (==1)", "a>=1,==1.5"}), "");
  for (const char* item : {"six", "six>=1.16", "six~=1.16.0", "six==1.*", "six!=1.0",
                           "six ; python_version == '3.11'"})
    EXPECT_EQ(unpinned({"foo==1", item}), item);
}

TEST(FirstUnpinned, HashesAndContentPin) {
  EXPECT_EQ(unpinned({"six --hash=sha256:00", "x-1-py3-none-any.whl sha256:00",
                      "source 0123456789abcdef"}),
            "");
}

TEST(FirstUnpinned, AConstraintPinsItsProject) {
  EXPECT_EQ(unpinned({"Foo_Bar[x]"}, json::array(), {"foo-bar==1.0"}), "");
  EXPECT_EQ(unpinned({"foo"}, json::array(), {"foo<2", "bar==1"}), "foo");
}

TEST(FirstUnpinned, UrlsNeedADigestOrACommit) {
  const std::string repository = "foo @ git+https://host/foo";
  EXPECT_EQ(unpinned({repository + "@" + k_commit, "x @ https://host/x.whl#sha256=00"}), "");
  for (const std::string& item : {repository, repository + "@main", repository + "@v1==2",
                                  std::string("x @ https://host/x-1.0.whl")})
    EXPECT_EQ(unpinned({item}), item);
}

TEST(FirstUnpinned, BesideAnIndexOnlyHashesPin) {
  const std::vector<std::vector<std::string>> k_options{{"--index-url https://host"},
                                                        {"--extra-index-url", "https://host"},
                                                        {"-ihttps://host"},
                                                        {"--index=https://host"},
                                                        {"--find-links https://host"},
                                                        {"-c https://host/list"}};
  for (const json options : k_options) {
    EXPECT_EQ(unpinned({"six==1.16.0"}, options), "six==1.16.0") << options;
    EXPECT_EQ(unpinned({"six==1.16.0 --hash=sha256:00"}, options), "") << options;
  }
  EXPECT_EQ(unpinned({"six==1.16.0"}, json::array({"--index-strategy", "first-index", "--pre"})),
            "");
}

TEST(FirstUnpinned, LocalFoldersOfLinksCountByContent) {
  const json folder{{"find-links", {"a.whl sha256:00"}}};
  const json value{{"option", ""}, {"content", {"a.whl sha256:00"}}};
  EXPECT_EQ(unpinned({"six==1.16.0"}, json::array({folder})), "");
  EXPECT_EQ(unpinned({"six==1.16.0"}, json::array({"--find-links", value})), "");
}

TEST(FirstUnpinned, AListOnAServerIsUnpinned) {
  const json options = json::array({"-r https://host/list"});
  EXPECT_EQ(unpinned({"six==1.16.0 --hash=sha256:00"}, options), "-r https://host/list");
}

TEST(FirstUnpinned, LooksAtEveryPhase) {
  const json parts =
      json::parse(R"({"requirements": ["six==1"], "later_phases": [{"requirements": ["foo"]}]})");
  EXPECT_EQ(first_unpinned(parts), "foo");
}

TEST(ExactVersion, AllowsOneVersion) {
  EXPECT_TRUE(is_exact_version("==0.13.8"));
  EXPECT_TRUE(is_exact_version("===0.13.8"));
  EXPECT_TRUE(is_exact_version(">=0.5,==0.13.8"));
  EXPECT_FALSE(is_exact_version(">=0.5"));
  EXPECT_FALSE(is_exact_version("==0.13.*"));
  EXPECT_FALSE(is_exact_version(""));
}

}  // namespace
}  // namespace rtenv::runtime_env
