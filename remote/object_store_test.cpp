#include "remote/object_store.hpp"

#include <gtest/gtest.h>

#include "remote/credential_sources.hpp"
#include "remote/http_object.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

Environment of(const std::map<std::string, std::string>& variables) {
  Environment environment;
  for (const auto& [name, value] : variables) environment.set(name, value);
  return environment;
}

TEST(Variables, KeysOfTwoOwnersDoNotMix) {
  const Environment node = of({{"AWS_ACCESS_KEY_ID", "node"},
                               {"AWS_SESSION_TOKEN", "node"},
                               {"AWS_REGION", "r"},
                               {"A", "a"}});
  const Environment job =
      with_variables(node, {{"AWS_ACCESS_KEY_ID", "job"}, {"AWS_SECRET_ACCESS_KEY", "job"}});
  EXPECT_EQ(job.find("AWS_ACCESS_KEY_ID"), "job");
  EXPECT_EQ(job.find("AWS_SESSION_TOKEN"), std::nullopt);
  EXPECT_EQ(job.find("AWS_REGION"), "r") << "says where, not who";
  EXPECT_EQ(with_variables(node, {{"A", "b"}}).find("AWS_SESSION_TOKEN"), "node");
}

TEST(Provider, HandsOutTheCredentialsOfEachUri) {
  const auto uri = must(Uri::parse("azure://box/blob.zip"));
  StoreOptions options{.environment = of({{"AZURE_STORAGE_ACCOUNT", "node"}}),
                       .job_variables = {{"AZURE_STORAGE_ACCOUNT", "job"}}};
  options.credentials = [](const Uri& asked) -> Result<std::map<std::string, std::string>> {
    if (asked.authority != "box") return fail(Errc::permission_denied, "not for {}", asked.shown());
    return std::map<std::string, std::string>{{"AZURE_STORAGE_ACCOUNT", "provided"}};
  };
  EXPECT_EQ(must(open_store(uri, options))->identity(uri),
            "azure://box/blob.zip https://provided.blob.core.windows.net");
  EXPECT_THAT(open_store(must(Uri::parse("azure://other/blob.zip")), options),
              IsError(Errc::permission_denied, "azure://other"));
}

TEST(Store, ALocalDirectoryHoldsNoObjects) {
  EXPECT_THAT(open_store(must(Uri::parse("local:///data")), {}),
              IsError(Errc::invalid_argument, "in place"));
}

TEST(AzureStore, WantsToKnowTheAccount) {
  const auto uri = must(Uri::parse("azure://box/x"));
  const auto open = [&](std::map<std::string, std::string> variables) {
    return open_store(uri, {.environment = of(std::move(variables))});
  };
  EXPECT_THAT(open({}), IsError(Errc::invalid_argument, "of which account"));
  EXPECT_THAT(open({{"AZURE_STORAGE_CONNECTION_STRING", "no equals sign"}}),
              IsError(Errc::invalid_argument, "NAME=VALUE"));
  EXPECT_THAT(open({{"AZURE_STORAGE_ACCOUNT", "a"}, {"AZURE_STORAGE_KEY", "?"}}),
              IsError(Errc::invalid_argument, "base64"));
  const auto identity = [&](std::map<std::string, std::string> variables) {
    return must(open(std::move(variables)))->identity(uri);
  };
  EXPECT_EQ(identity({{"AZURE_STORAGE_CONNECTION_STRING",
                       "AccountName=a;AccountKey=AAAA;EndpointSuffix=core.example"}}),
            "azure://box/x https://a.blob.core.example");
  EXPECT_EQ(identity({{"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}}),
            "azure://box/x http://127.0.0.1:10000/devstoreaccount1");
}

TEST(CredentialSources, SayWhereNotWhat) {
  const Environment environment = of({{"HOME", "/nonexistent"},
                                      {"AWS_ACCESS_KEY_ID", "secret"},
                                      {"AWS_SECRET_ACCESS_KEY", "secret"},
                                      {"AZURE_STORAGE_SAS_TOKEN", "secret"},
                                      {"GOOGLE_APPLICATION_CREDENTIALS", "/account.json"}});
  std::string told;
  for (const auto& source : find_credential_sources(environment))
    told += fmt::format("{} {} {}\n", source.store, source.found, source.where);
  EXPECT_EQ(told,
            "s3 true AWS_ACCESS_KEY_ID\n"
            "gs true GOOGLE_APPLICATION_CREDENTIALS: /account.json\n"
            "azure true AZURE_STORAGE_SAS_TOKEN\n"
            "http false none\n"
            "gcs false none\n");
}

TEST(ObjectInfo, IsReadFromTheAnswersHead) {
  const auto info = [](std::map<std::string, std::string, std::less<>> headers) {
    return object_info({.status = 200, .headers = std::move(headers), .body = {}, .final_url = {}});
  };
  EXPECT_EQ(
      info({{"content-length", "12"}, {"etag", "\"e\""}, {"last-modified", "then"}}).size_bytes,
      12U);
  EXPECT_EQ(info({{"etag", "\"e\""}, {"last-modified", "then"}}).version, "\"e\"");
  EXPECT_EQ(info({{"last-modified", "then"}}).version, "then");
  EXPECT_EQ(info({{"content-length", "10"}, {"content-range", "bytes 0-9/99"}}).size_bytes, 99U);
  EXPECT_TRUE(info({{"content-range", "bytes 0-9/*"}}).ranges);
  for (const char* bad : {"12x", "-1", "", "99999999999999999999999"})
    EXPECT_EQ(info({{"content-length", bad}}).size_bytes, std::nullopt) << bad;
  for (const char* bad : {"bytes 9", "items 0-9/99", "bytes 0/9-3", "bytes -9/9", "bytes a-b/c"})
    EXPECT_FALSE(info({{"content-range", bad}}).ranges) << bad;
}

TEST(Status, SaysWhoMustDoSomething) {
  EXPECT_EQ(fail_status(404, "x").value().code(), Errc::not_found);
  EXPECT_EQ(fail_status(401, "x").value().code(), Errc::permission_denied);
  EXPECT_EQ(fail_status(507, "x").value().code(), Errc::out_of_space);
  EXPECT_EQ(fail_status(400, "x").value().code(), Errc::invalid_argument);
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(fail_status(status, "x").value().code(), Errc::unavailable) << status;
    EXPECT_TRUE(is_transient_status(status)) << status;
  }
  for (const int status : {200, 301, 400, 403, 404, 501})
    EXPECT_FALSE(is_transient_status(status)) << status;
}

}  // namespace
}  // namespace rtenv::remote
