#include "remote/aws_credentials.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

// Credentials that are there in part aren't taken for none.
class AwsCredentialsTest : public testing::Test {
 protected:
  AwsCredentialsTest() {
    environment_.set("HOME", tree_.root().native());
    environment_.set("AWS_EC2_METADATA_DISABLED", "true");
  }
  Result<std::optional<AwsCredentials>> find() {
    RTENV_TRY(const AwsProfile profile, current_aws_profile(environment_));
    HttpClient client(environment_);
    return find_aws_credentials(profile, client);
  }
  TreeBuilder tree_;
  Environment environment_;
};

TEST_F(AwsCredentialsTest, WithoutAnyThereAreNone) {
  EXPECT_FALSE(must(find()));
  tree_.file(".aws/config", "[default]\nregion = r\n");
  EXPECT_FALSE(must(find()));
}

TEST_F(AwsCredentialsTest, AKeyWithoutItsSecretIsAnError) {
  tree_.file(".aws/credentials", "[default]\naws_access_key_id = i\n");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "/.aws/credentials set aws_access_key_id"));
  environment_.set("AWS_SECRET_ACCESS_KEY", "s");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "but not AWS_ACCESS_KEY_ID"));
  environment_.set("AWS_ACCESS_KEY_ID", "i");
  EXPECT_EQ(must(find())->secret_access_key, "s");
}

TEST_F(AwsCredentialsTest, AProfileThatIsNamedHasSome) {
  tree_.file(".aws/config", "[profile ci]\nregion = r\n");
  environment_.set("AWS_PROFILE", "ci");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "the AWS profile 'ci' in "));
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "has no credentials"));
  environment_.set("AWS_PROFILE", "default");
  EXPECT_THAT(find(), IsError(Errc::not_found, "the AWS profile 'default' is neither in "));
}

TEST_F(AwsCredentialsTest, WhatIsNotSupportedIsAnError) {
  for (const char* setting : {"sso_session", "sso_start_url", "login_session"}) {
    tree_.file(".aws/config", fmt::format("[default]\n{} = x\n", setting));
    const auto found = find();
    EXPECT_THAT(found,
                IsError(Errc::invalid_argument, fmt::format("/.aws/config has a {}", setting)));
    EXPECT_NE(found.error().hint().find("credential_process"), std::string::npos);
  }
}

TEST_F(AwsCredentialsTest, ATokenFileNeedsARole) {
  tree_.file(".aws/config", "[default]\nweb_identity_token_file = /x\n");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "no role_arn"));
  environment_.set("AWS_WEB_IDENTITY_TOKEN_FILE", "/x");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "AWS_ROLE_ARN isn't"));
  tree_.file(".aws/config", "[default]\nrole_arn = arn\n");
  environment_.unset("AWS_WEB_IDENTITY_TOKEN_FILE");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "neither source_profile"));
}

}  // namespace
}  // namespace rtenv::remote
