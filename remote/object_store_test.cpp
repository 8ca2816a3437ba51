#include "remote/object_store.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

Environment of(const std::map<std::string, std::string>& variables) {
  Environment environment;
  for (const auto& [name, value] : variables) environment.set(name, value);
  return environment;
}

TEST(WithVariables, DropsOtherCredentialsOfTheSameFamily) {
  const Environment node = of({{"AWS_ACCESS_KEY_ID", "node"},
                               {"AWS_SESSION_TOKEN", "node"},
                               {"AWS_REGION", "r"},
                               {"A", "a"}});
  const Environment job =
      with_variables(node, {{"AWS_ACCESS_KEY_ID", "job"}, {"AWS_SECRET_ACCESS_KEY", "job"}});
  EXPECT_EQ(job.find("AWS_ACCESS_KEY_ID"), "job");
  EXPECT_EQ(job.find("AWS_SESSION_TOKEN"), std::nullopt);
  EXPECT_EQ(job.find("AWS_REGION"), "r") << "not a credential";
  EXPECT_EQ(with_variables(node, {{"A", "b"}}).find("AWS_SESSION_TOKEN"), "node");
}

TEST(WithJobVariables, WhoNamesAnEndpointBringsTheCredentials) {
  const Environment node = of({{"AWS_ACCESS_KEY_ID", "node"},
                               {"AWS_SECRET_ACCESS_KEY", "node"},
                               {"AWS_ENDPOINT_URL", "https://node"},
                               {"GOOGLE_APPLICATION_CREDENTIALS", "/node.json"},
                               {"AZURE_STORAGE_KEY", "node"},
                               {"RAY_RUNTIME_ENV_BEARER_TOKEN", "node"},
                               {"RAY_AUTH_TOKEN", "node"}});
  const auto kept = [&](std::map<std::string, std::string> variables, const char* credential) {
    return with_job_variables(node, variables).find(credential) == node.find(credential);
  };
  EXPECT_TRUE(kept({{"AWS_REGION", "x"}, {"https_proxy", "http://p"}}, "AWS_ACCESS_KEY_ID"));
  EXPECT_TRUE(kept({{"AWS_ENDPOINT_URL", "https://node"}}, "AWS_ACCESS_KEY_ID")) << "no change";
  EXPECT_TRUE(kept({{"STORAGE_EMULATOR_HOST", "http://x"}}, "AWS_ACCESS_KEY_ID"));
  EXPECT_FALSE(kept({{"STORAGE_EMULATOR_HOST", "http://x"}}, "GOOGLE_APPLICATION_CREDENTIALS"));
  EXPECT_FALSE(kept({{"AWS_ENDPOINT_URL_S3", "http://x"}}, "AWS_SECRET_ACCESS_KEY"));
  EXPECT_FALSE(kept({{"RAY_ADDRESS", "http://x"}}, "RAY_AUTH_TOKEN"));
  for (const char* file : {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "HOME"})
    EXPECT_FALSE(kept({{file, "/job"}}, "AWS_ACCESS_KEY_ID"))
        << "it may have an endpoint: " << file;
  EXPECT_FALSE(kept({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://x"}}, "AWS_ACCESS_KEY_ID"));
  EXPECT_FALSE(kept({{"NETRC", "/job"}}, "RAY_RUNTIME_ENV_BEARER_TOKEN"));
  for (const char* credential :
       {"AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_KEY",
        "RAY_RUNTIME_ENV_BEARER_TOKEN", "RAY_AUTH_TOKEN"}) {
    for (const char* name :
         {"RTENV_TLS_VERIFY", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"})
      EXPECT_FALSE(kept({{name, "x"}}, credential)) << credential << " with " << name;
  }
  const Environment own =
      with_job_variables(node, {{"AWS_ENDPOINT_URL", "http://x"}, {"AWS_ACCESS_KEY_ID", "job"}});
  EXPECT_EQ(own.find("AWS_ACCESS_KEY_ID"), "job");
  EXPECT_EQ(own.find("AWS_SHARED_CREDENTIALS_FILE"), "/dev/null") << "nor the machine's profiles";
  const Environment overheard = with_job_variables(
      node, {{"RTENV_TLS_VERIFY", "false"}, {"RAY_RUNTIME_ENV_BEARER_TOKEN", "job"}});
  EXPECT_EQ(overheard.find("NETRC"), "/dev/null") << "nor the machine's logins";
}

TEST(WithJobVariables, OnlyWhatTheStoresKnowCounts) {
  const Environment node = of({{"PATH", "/node"}, {"AWS_ACCESS_KEY_ID", "node"}});
  const Environment job = with_job_variables(node, {{"PATH", "/job"},
                                                    {"LD_PRELOAD", "/job.so"},
                                                    {"http_proxy", "http://x"},
                                                    {"HTTPS_PROXY", "http://x"},
                                                    {"AWS_REGION", "r"}});
  EXPECT_EQ(job.find("PATH"), "/node") << "of the machine's credential_process";
  for (const char* name : {"LD_PRELOAD", "http_proxy", "HTTPS_PROXY"})
    EXPECT_EQ(job.find(name), std::nullopt) << name;
  EXPECT_EQ(job.find("AWS_REGION"), "r");
}

TEST(CredentialProvider, SuppliesTheCredentialsOfEachUri) {
  const auto uri = must(Uri::parse("azure://box/blob.zip"));
  StoreOptions options{.environment = of({{"AZURE_STORAGE_ACCOUNT", "node"}}),
                       .job_variables = {{"AZURE_STORAGE_ACCOUNT", "job"}}};
  options.credentials = [](const Uri& object) -> Result<std::map<std::string, std::string>> {
    if (object.authority != "box")
      return fail(Errc::permission_denied, "not for {}", object.shown());
    return std::map<std::string, std::string>{{"AZURE_STORAGE_ACCOUNT", "provided"}};
  };
  EXPECT_EQ(must(open_store(uri, options))->identity(uri),
            "azure://box/blob.zip https://provided.blob.core.windows.net");
  EXPECT_THAT(open_store(must(Uri::parse("azure://other/blob.zip")), options),
              IsError(Errc::permission_denied, "azure://other"));
}

TEST(OpenStore, RefusesALocalDirectory) {
  EXPECT_THAT(open_store(must(Uri::parse("local:///data")), {}),
              IsError(Errc::invalid_argument, "in place"));
}

TEST(AzureStore, RequiresAnAccount) {
  const auto uri = must(Uri::parse("azure://box/x"));
  const auto open = [&](std::map<std::string, std::string> variables) {
    return open_store(uri, {.environment = of(std::move(variables))});
  };
  EXPECT_THAT(open({}), IsError(Errc::invalid_argument, "the storage account isn't set"));
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
  const char* const keyless = "AccountName=a;EndpointSuffix=core.example";
  EXPECT_THAT(open({{"AZURE_STORAGE_CONNECTION_STRING", keyless}}),
              IsError(Errc::invalid_argument, "neither AccountKey nor SharedAccessSignature"));
  EXPECT_THAT(open_store(uri, {.environment = of({{"AZURE_STORAGE_CONNECTION_STRING", keyless}}),
                               .access = Access::anonymous}),
              IsOk());
  EXPECT_THAT(open({{"AZURE_STORAGE_CONNECTION_STRING", "BlobEndpoint=http://h;AccountKey=AAAA"}}),
              IsError(Errc::invalid_argument, "an AccountKey, but no AccountName"));
  for (const char* evil : {"evil.example/#", "evil.example:80@x", "A"}) {
    EXPECT_THAT(open({{"AZURE_STORAGE_ACCOUNT", evil}}),
                IsError(Errc::invalid_argument, "account"));
    EXPECT_THAT(open({{"AZURE_STORAGE_CONNECTION_STRING",
                       fmt::format("AccountName={};AccountKey=AAAA", evil)}}),
                IsError(Errc::invalid_argument, "AccountName"));
  }
  EXPECT_EQ(identity({{"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}}),
            "azure://box/x http://127.0.0.1:10000/devstoreaccount1");
}

}  // namespace
}  // namespace rtenv::remote
