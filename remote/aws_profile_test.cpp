#include "remote/aws_profile.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

class AwsProfileTest : public testing::Test {
 protected:
  AwsProfileTest() {
    environment_.set("AWS_CONFIG_FILE", (tree_ / "config").native());
    environment_.set("AWS_SHARED_CREDENTIALS_FILE", (tree_ / "credentials").native());
  }
  TreeBuilder tree_;
  Environment environment_;
};

TEST_F(AwsProfileTest, CredentialsFileTakesPrecedenceOverConfigFile) {
  tree_
      .file("config",
            "[default]\nregion=eu-west-1\naws_access_key_id = of config\n\n[profile other]\nregion "
            "= us-west-2\n")
      .file("credentials",
            "# a comment\n[default]\r\naws_access_key_id=of credentials\n; another\n[other]\nx = y "
            "= z\n");
  const auto profile = must(load_aws_profile("default", environment_));
  EXPECT_EQ(find_setting(profile, "aws_access_key_id"), "of credentials");
  EXPECT_EQ(find_setting(profile, "region"), "eu-west-1");
  EXPECT_EQ(find_setting(profile, "x"), std::nullopt);
  EXPECT_EQ(find_setting(must(load_aws_profile("other", environment_)), "x"), "y = z");
}

TEST_F(AwsProfileTest, NestedSettingsHaveDottedNames) {
  tree_.file(
      "config",
      "[default]\ns3 =\n  addressing_style = path\n  max_concurrent_requests = 20\nregion = r\n");
  const auto profile = must(load_aws_profile("default", environment_));
  EXPECT_EQ(find_setting(profile, "s3.addressing_style"), "path");
  EXPECT_EQ(find_setting(profile, "region"), "r");
}

TEST_F(AwsProfileTest, ReadsFilesAsTheAwsToolDoes) {
  tree_
      .file(
          "config",
          "[default]\nREGION: eu-west-1\nendpoint_url = http://h:1\n[profile\t\"a b\"]\nRegion=r\n"
          "[profile 'c']\nregion : s\n")
      .file("credentials",
            "[default]\nAWS_ACCESS_KEY_ID = i\naws_secret_access_key: s=:1\n[a b]\nx = y\n");
  const auto profile = must(load_aws_profile("default", environment_));
  EXPECT_EQ(find_setting(profile, "region"), "eu-west-1");
  EXPECT_EQ(find_setting(profile, "endpoint_url"), "http://h:1");
  const auto keys = must(keys_of(profile));
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id + " " + keys->secret_access_key, "i s=:1");
  EXPECT_EQ(find_setting(must(load_aws_profile("a b", environment_)), "region"), "r");
  EXPECT_EQ(find_setting(must(load_aws_profile("a b", environment_)), "x"), "y");
  EXPECT_EQ(find_setting(must(load_aws_profile("c", environment_)), "region"), "s");
  EXPECT_EQ(load_aws_profile("d e", environment_).error().hint(), "aws configure --profile 'd e'");
}

TEST_F(AwsProfileTest, MoreSpecificEndpointTakesPrecedence) {
  tree_.file("config",
             "[default]\nendpoint_url = http://all\nservices = local\n[services local]\ns3 =\n  "
             "endpoint_url = http://s3\n");
  const auto profile = must(load_aws_profile("default", environment_));
  EXPECT_EQ(aws_endpoint("s3", profile, environment_), "http://s3");
  EXPECT_EQ(aws_endpoint("sts", profile, environment_), "http://all");
  environment_.set("AWS_ENDPOINT_URL", "http://env");
  EXPECT_EQ(aws_endpoint("s3", profile, environment_), "http://env");
  environment_.set("AWS_ENDPOINT_URL_S3", "http://env-s3");
  EXPECT_EQ(aws_endpoint("s3", profile, environment_), "http://env-s3");
  EXPECT_EQ(aws_endpoint("sts", profile, environment_), "http://env");
}

TEST_F(AwsProfileTest, FailsIfTheProfileIsMissingOrTheFileIsMalformed) {
  EXPECT_TRUE(must(current_aws_profile(environment_)).settings.empty());
  EXPECT_THAT(load_aws_profile("nobody", environment_), IsError(Errc::not_found, "nobody"));
  environment_.set("AWS_PROFILE", "default");
  EXPECT_THAT(current_aws_profile(environment_), IsError(Errc::not_found, "'default'")) << "named";
  tree_.file("config", "no section\n");
  EXPECT_THAT(load_aws_profile("default", environment_), IsError(Errc::invalid_argument, "config"));
}

TEST_F(AwsProfileTest, ThePairOfKeysIsOfOneFile) {
  tree_.file("config", "[default]\naws_secret_access_key = of config\naws_session_token = t\n")
      .file("credentials", "[default]\naws_access_key_id = of credentials\n");
  EXPECT_THAT(keys_of(must(current_aws_profile(environment_))),
              IsError(Errc::invalid_argument, "aws_access_key_id, but not aws_secret_access_key"));
  tree_.file("credentials", "[default]\naws_access_key_id = i\naws_secret_access_key = s\n");
  const auto keys = must(keys_of(must(current_aws_profile(environment_))));
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->access_key_id + keys->secret_access_key + keys->session_token, "is");
}

TEST_F(AwsProfileTest, AnIncompletePairIsAnErrorThatNamesItsPlace) {
  tree_.file("config", "[profile ci]\naws_secret_access_key = s\n");
  const auto profile = must(load_aws_profile("ci", environment_));
  EXPECT_THAT(keys_of(profile), IsError(Errc::invalid_argument, "the AWS profile 'ci' in "));
  EXPECT_THAT(keys_of(profile), IsError(Errc::invalid_argument, "/config set "));
  EXPECT_EQ(must(keys_of(AwsProfile())).has_value(), false);
  EXPECT_EQ(must(keys_of(environment_)).has_value(), false);
  environment_.set("AWS_ACCESS_KEY_ID", "i");
  EXPECT_THAT(keys_of(environment_),
              IsError(Errc::invalid_argument, "AWS_ACCESS_KEY_ID, but not AWS_SECRET_ACCESS_KEY"));
  environment_.set("AWS_SECRET_ACCESS_KEY", "s");
  EXPECT_EQ(must(keys_of(environment_))->secret_access_key, "s");
}

TEST_F(AwsProfileTest, RegionDefaultsToUsEast1) {
  const auto region = [&](const AwsProfile& profile) {
    return must(aws_region(profile, environment_)).text();
  };
  EXPECT_EQ(region({}), "us-east-1");
  EXPECT_EQ(region({.settings = {{"region", "of-profile"}}}), "of-profile");
  environment_.set("AWS_DEFAULT_REGION", "of-default");
  environment_.set("AWS_REGION", "of-region");
  EXPECT_EQ(region({.settings = {{"region", "of-profile"}}}), "of-region");
  environment_.set("AWS_REGION", "x@evil.example/#");
  EXPECT_THAT(aws_region({}, environment_), IsError(Errc::invalid_argument, "AWS_REGION"))
      << "it is part of a host name";
}

}  // namespace
}  // namespace rtenv::remote
