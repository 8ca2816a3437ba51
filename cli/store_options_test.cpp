#include "cli/store_options.hpp"

#include <gtest/gtest.h>

#include "rtenv/transfer.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::cli {
namespace {

class StoreFlagsTest : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  StoreFlagsTest() {
    tool_.environment.set("AWS_ACCESS_KEY_ID", "key");
    tool_.environment.set("AWS_SECRET_ACCESS_KEY", "secret");
  }

  [[nodiscard]] Result<FetchOptions> options(Words words, const char* uri) const {
    CommandLine command_line("tool", "A tool.", "");
    StoreFlags flags;
    const Command command = command_line.root().add_command("get", "Get", "  tool get");
    flags.declare(command);
    flags.declare_address(command);
    command.set_action([]() -> Result<int> { return 0; });
    words.insert(words.begin(), "get");
    EXPECT_TRUE(std::holds_alternative<Action>(command_line.parse(std::move(words))));
    auto options = tool_.options<FetchOptions>();
    RTENV_TRY(flags.set(options, must(remote::Uri::parse(uri))));
    return options;
  }

  [[nodiscard]] std::string variable(const Words& words, const char* uri, const char* name) const {
    const auto variables = *must(options(words, uri)).environment;
    const auto found = variables.find(name);
    return found != variables.end() ? found->second : "unset";
  }

  Tool tool_;
};

TEST_F(StoreFlagsTest, AnEndpointIsTheOneOfTheUrisStore) {
  const Words flags{"--endpoint-url", "http://x"};
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ENDPOINT_URL_S3"), "http://x");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ACCESS_KEY_ID"), "key");
  EXPECT_EQ(variable(flags, "gs://b/k", "STORAGE_EMULATOR_HOST"), "http://x");
  EXPECT_EQ(variable(flags, "azure://c/k", "AZURE_STORAGE_SERVICE_ENDPOINT"), "http://x");
  EXPECT_EQ(variable(flags, "abfss://c@a.dfs.core.windows.net/k", "AZURE_STORAGE_SERVICE_ENDPOINT"),
            "http://x");
}

TEST_F(StoreFlagsTest, AProfileCountsInsteadOfKeysInVariables) {
  const Words flags{"--profile", "team", "--region", "eu-west-1"};
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_PROFILE"), "team");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_ACCESS_KEY_ID"), "unset");
  EXPECT_EQ(variable(flags, "s3://b/k", "AWS_REGION"), "eu-west-1");
}

TEST_F(StoreFlagsTest, AnOptionThatTheStoreDoesNotHaveIsAnError) {
  const Words unsigned_requests{"--no-sign-request"};
  for (const char* uri : {"s3://b/k", "gs://b/k", "azure://c/k", "https://host/x"})
    EXPECT_TRUE(must(options(unsigned_requests, uri)).anonymous) << uri;
  for (const char* uri : {"gcs://package.zip", "file:///x", "local:///x"}) {
    for (const Words& words : {unsigned_requests, Words{"--endpoint-url", "http://x"},
                               Words{"--profile", "p"}, Words{"--region", "r"}})
      EXPECT_THAT(options(words, uri), IsError(Errc::invalid_argument, words[0] + " applies to "))
          << uri;
  }
  EXPECT_THAT(
      options({"--profile", "p"}, "gs://b/k"),
      IsError(Errc::invalid_argument, "--profile applies to s3://; gs://b/k is a gs:// URI"));
  EXPECT_THAT(options({"--endpoint-url", "http://x"}, "https://host/x"),
              IsError(Errc::invalid_argument,
                      "--endpoint-url applies to s3://, gs://, azure:// "
                      "and abfss://; https://host/x is"));
  EXPECT_EQ(variable({"--address", "http://x"}, "gcs://", "RAY_API_SERVER_ADDRESS"), "http://x");
  EXPECT_THAT(options({"--address", "http://x"}, "s3://b/k"),
              IsError(Errc::invalid_argument, "--address applies to gcs://"));
}

}  // namespace
}  // namespace rtenv::cli
