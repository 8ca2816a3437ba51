#include "remote/aws_metadata.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

constexpr const char* k_keys =
    R"({"AccessKeyId": "id", "SecretAccessKey": "key", "Token": "t",
        "Expiration": "2009-10-12T17:50:30Z"})";

TEST(AwsMetadata, ParsesCredentials) {
  const auto credentials = must(parse_aws_credentials(k_keys, "test"));
  EXPECT_EQ(credentials.access_key_id, "id");
  EXPECT_EQ(credentials.secret_access_key, "key");
  EXPECT_EQ(credentials.session_token, "t");
  EXPECT_EQ(credentials.expires_at_s, 1255369830);
  for (const char* bad : {"{}", "not JSON", R"({"AccessKeyId": "id"})"})
    EXPECT_THAT(parse_aws_credentials(bad, "the test"),
                IsError(Errc::permission_denied, "the test"));
}

TEST(AwsMetadata, SendsTheContainersTokenOnlyToTrustedAddresses) {
  Environment environment;
  EXPECT_EQ(must([&] {
              HttpClient client(environment);
              return container_credentials(client);
            }())
                .has_value(),
            false);
  for (const char* bad : {"http://example.com/", "http://127.0.0.1.evil.example/", "file:///x",
                          "http://127.0.0.2:9106/", "http://localhost:80@127.0.0.2:9106/",
                          "http://me@localhost/", "https://localhost@evil.example/"}) {
    environment.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad);
    HttpClient client(environment);
    EXPECT_THAT(container_credentials(client), IsError(Errc::invalid_argument)) << bad;
  }
  for (const char* bad : {"@evil.example/", ".evil.example/", ":80@evil.example/"}) {
    environment.set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", bad);
    HttpClient client(environment);
    EXPECT_THAT(container_credentials(client), IsError(Errc::invalid_argument, "isn't a path"));
  }
  environment.unset("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  TestServer server({TestServer::response("200 OK", k_keys)});
  environment.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url("/keys"));
  environment.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "secret");
  HttpClient client(environment);
  EXPECT_EQ(must(container_credentials(client))->access_key_id, "id");
  for (const auto& request : server.stop())
    EXPECT_NE(request.head.find("authorization: secret\r\n"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::remote
