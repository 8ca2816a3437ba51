#include "cli/store_options.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::cli {
namespace {

class StoreFlagsTest : public testing::Test {
 protected:
  StoreFlagsTest() {
    tool_.environment.set("AWS_ACCESS_KEY_ID", "key");
    tool_.environment.set("AWS_SECRET_ACCESS_KEY", "secret");
  }

  [[nodiscard]] Result<remote::StoreOptions> options(const StoreFlags& flags,
                                                     const char* uri) const {
    return flags.options(tool_, must(remote::Uri::parse(uri)));
  }

  [[nodiscard]] std::string variable(const StoreFlags& flags, const char* uri,
                                     const char* name) const {
    return std::string(must(options(flags, uri)).environment.find(name).value_or("unset"));
  }

  Tool tool_;
};

TEST_F(StoreFlagsTest, AnEndpointIsTheOneOfTheUrisStore) {
  const StoreFlags flags{.endpoint_url = "http://x"};
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ENDPOINT_URL_S3"), "http://x");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ACCESS_KEY_ID"), "key");
  EXPECT_EQ(variable(flags, "gs://b/k", "STORAGE_EMULATOR_HOST"), "http://x");
  EXPECT_EQ(variable(flags, "azure://c/k", "AZURE_STORAGE_SERVICE_ENDPOINT"), "http://x");
  EXPECT_EQ(variable(flags, "abfss://c@a.dfs.core.windows.net/k", "AZURE_STORAGE_SERVICE_ENDPOINT"),
            "http://x");
}

TEST_F(StoreFlagsTest, AProfileCountsInsteadOfKeysInVariables) {
  const StoreFlags flags{.profile = "team", .region = "eu-west-1"};
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_PROFILE"), "team");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ACCESS_KEY_ID"), "unset");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_REGION"), "eu-west-1");
}

TEST_F(StoreFlagsTest, AnOptionThatTheStoreDoesNotHaveIsAnError) {
  const StoreFlags unsigned_requests{.no_sign_request = true};
  for (const char* uri : {"s3://b/k", "gs://b/k", "azure://c/k", "https://host/x"})
    EXPECT_EQ(must(options(unsigned_requests, uri)).access, remote::Access::anonymous) << uri;
  for (const char* uri : {"gcs://package.zip", "file:///x", "local:///x"}) {
    for (const StoreFlags& flags : {unsigned_requests, StoreFlags{.endpoint_url = "http://x"},
                                    StoreFlags{.profile = "p"}, StoreFlags{.region = "r"}})
      EXPECT_THAT(options(flags, uri), IsError(Errc::invalid_argument, "has no meaning")) << uri;
  }
  EXPECT_THAT(options({.profile = "p"}, "gs://b/k"), IsError(Errc::invalid_argument, "--profile"));
  EXPECT_THAT(options({.endpoint_url = "http://x"}, "https://host/x"),
              IsError(Errc::invalid_argument, "--endpoint-url"));
}

}  // namespace
}  // namespace rtenv::cli
