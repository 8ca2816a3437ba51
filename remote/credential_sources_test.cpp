#include "remote/credential_sources.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

class CredentialSourcesTest : public testing::Test {
 protected:
  CredentialSourcesTest() { environment_.set("HOME", tree_.root().native()); }

  // One line for each store.
  [[nodiscard]] std::string report() const {
    std::string text;
    for (const auto& source : find_credential_sources(environment_))
      text += fmt::format("{} {}{} {}\n", source.store, source.found,
                          source.incomplete ? ", incomplete:" : "", source.where);
    return text;
  }

  TreeBuilder tree_;
  Environment environment_;
};

TEST_F(CredentialSourcesTest, ReportsTheFallbackWithoutCredentials) {
  EXPECT_EQ(report(),
            "s3 false none; tries the machine's metadata service, else requests are unsigned\n"
            "gs false none; tries the machine's metadata service, else requests are anonymous\n"
            "azure false none; requests are anonymous\n"
            "http false none\n"
            "gcs false none\n");
}

TEST_F(CredentialSourcesTest, ListsVariablesWithoutSecrets) {
  environment_.set("AWS_ACCESS_KEY_ID", "secret");
  environment_.set("AWS_SECRET_ACCESS_KEY", "secret");
  environment_.set("AZURE_STORAGE_SAS_TOKEN", "secret");
  tree_.file("account.json", "{}");
  environment_.set("GOOGLE_APPLICATION_CREDENTIALS", (tree_ / "account.json").native());
  environment_.set("RAY_AUTH_TOKEN", "secret");
  environment_.set("RAY_RUNTIME_ENV_BEARER_TOKEN", "secret");
  EXPECT_EQ(report(), fmt::format("s3 true AWS_ACCESS_KEY_ID\n"
                                  "gs true GOOGLE_APPLICATION_CREDENTIALS: {}/account.json\n"
                                  "azure true AZURE_STORAGE_SAS_TOKEN\n"
                                  "http true RAY_RUNTIME_ENV_BEARER_TOKEN\n"
                                  "gcs true RAY_AUTH_TOKEN\n",
                                  tree_.root().native()));
}

TEST_F(CredentialSourcesTest, FindsFilesInTheHomeDirectory) {
  const std::string adc = ".config/gcloud/application_default_credentials.json";
  tree_.file(".aws/config", "[profile ci]\nrole_arn = arn\n")
      .file(adc, "{}")
      .file(".netrc", "")
      .file(".ray/auth_token", "t");
  environment_.set("AWS_PROFILE", "ci");
  const std::string home = tree_.root().native();
  EXPECT_EQ(report(), fmt::format("s3 true role_arn of the profile 'ci'\n"
                                  "gs true {0}/{1}\n"
                                  "azure false none; requests are anonymous\n"
                                  "http true {0}/.netrc\n"
                                  "gcs true {0}/.ray/auth_token\n",
                                  home, adc));
}

TEST_F(CredentialSourcesTest, ReportsABrokenProfile) {
  environment_.set("AWS_PROFILE", "nobody");
  EXPECT_NE(report().find("s3 false, incomplete: the AWS profile 'nobody' is neither in "),
            std::string::npos);
}

TEST_F(CredentialSourcesTest, WhatIsIncompleteIsNotFound) {
  environment_.set("GOOGLE_APPLICATION_CREDENTIALS", "/no/such.json");
  tree_.file(".aws/credentials", "[default]\naws_access_key_id = i\n");
  EXPECT_NE(
      report().find(
          "gs false, incomplete: GOOGLE_APPLICATION_CREDENTIALS: /no/such.json doesn't exist"),
      std::string::npos);
  EXPECT_NE(report().find("aws_access_key_id, but not aws_secret_access_key"), std::string::npos);
  environment_.set("AWS_SECRET_ACCESS_KEY", "s");
  EXPECT_NE(report().find("AWS_SECRET_ACCESS_KEY, but not AWS_ACCESS_KEY_ID"), std::string::npos);
  environment_.set("AZURE_STORAGE_CONNECTION_STRING", "AccountName=a");
  EXPECT_NE(report().find("azure false, incomplete: AZURE_STORAGE_CONNECTION_STRING has neither"),
            std::string::npos);
  environment_.set("AZURE_STORAGE_CONNECTION_STRING", "AccountName=a;AccountKey=AAAA");
  EXPECT_NE(report().find("azure true AZURE_STORAGE_CONNECTION_STRING\n"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::remote
