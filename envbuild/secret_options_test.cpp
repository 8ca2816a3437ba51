#include "envbuild/secret_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::envbuild {
namespace {

using runtime_env::InstallerKind;
using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

TEST(SecretOptions, PassesUrlsWithCredentialsInVariables) {
  for (const Words& words :
       {Words{"--index-url", "https://u:p@h/"}, Words{"--index-url=https://u:p@h/"},
        Words{"-i", "https://u:p@h/"}, Words{"-ihttps://u:p@h/"}}) {
    Environment uv;
    EXPECT_THAT(must(pass_secrets_by_variable(words, InstallerKind::uv, uv)), IsEmpty());
    EXPECT_EQ(uv.find("UV_INDEX_URL"), "https://u:p@h/");
    Environment pip;
    EXPECT_THAT(must(pass_secrets_by_variable(words, InstallerKind::pip, pip)), IsEmpty());
    EXPECT_EQ(pip.find("PIP_INDEX_URL"), "https://u:p@h/");
  }
}

TEST(SecretOptions, AProxyNeedsNoScheme) {
  Environment environment;
  EXPECT_THAT(
      must(pass_secrets_by_variable({"--proxy", "u:p@h:3128"}, InstallerKind::pip, environment)),
      IsEmpty());
  EXPECT_EQ(environment.find("PIP_PROXY"), "u:p@h:3128");
  Environment abbreviated;
  EXPECT_THAT(must(pass_secrets_by_variable({"--prox=u:p@h:3128", "--extra=https://u:p@h/"},
                                            InstallerKind::pip, abbreviated)),
              IsEmpty());
  EXPECT_EQ(abbreviated.find("PIP_PROXY"), "u:p@h:3128");
  EXPECT_EQ(abbreviated.find("PIP_EXTRA_INDEX_URL"), "https://u:p@h/");
}

TEST(SecretOptions, KeepsTheOrderOfSeveralValues) {
  Environment environment;
  EXPECT_THAT(must(pass_secrets_by_variable(
                  {"--no-deps", "--extra-index-url", "https://a/", "--extra-index-url=https://t@b/",
                   "--upgrade", "--find-links", "/dist"},
                  InstallerKind::uv, environment)),
              ElementsAre("--no-deps", "--upgrade", "--find-links", "/dist"));
  EXPECT_EQ(environment.find("UV_EXTRA_INDEX_URL"), "https://a/ https://t@b/");
}

TEST(SecretOptions, LeavesOtherOptionsAlone) {
  Environment environment;
  const Words words{"--index-url", "https://h/", "--no-build", "-v", "six"};
  EXPECT_EQ(must(pass_secrets_by_variable(words, InstallerKind::pip, environment)), words);
  EXPECT_TRUE(environment.values().empty());
}

TEST(SecretOptions, RefusesASecretThatCannotBeHidden) {
  Environment environment;
  for (const Words& words : {Words{"--unknown=https://u:p@h/"}, Words{"https://u:p@h/six.whl"}}) {
    const auto passed = pass_secrets_by_variable(words, InstallerKind::uv, environment);
    ASSERT_THAT(passed, IsError(Errc::invalid_argument, "has a password"));
    EXPECT_EQ(passed.error().message().find("u:p"), std::string::npos);
  }
}

}  // namespace
}  // namespace rtenv::envbuild
