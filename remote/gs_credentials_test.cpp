#include "remote/gs_credentials.hpp"

#include <gtest/gtest.h>

#include "remote/trickle_server.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

class GsCredentialsTest : public testing::Test {
 protected:
  GsCredentialsTest() { environment_.set("HOME", tree_.root().native()); }
  Result<std::optional<GsToken>> find() {
    HttpClient client(environment_);
    return find_gs_token(client);
  }
  TreeBuilder tree_;
  Environment environment_;
};

TEST_F(GsCredentialsTest, AFileThatIsNamedIsThere) {
  environment_.set("GOOGLE_APPLICATION_CREDENTIALS", "/no/such.json");
  EXPECT_THAT(find(), IsError(Errc::not_found, "GOOGLE_APPLICATION_CREDENTIALS: cannot open /no/"));
}

TEST_F(GsCredentialsTest, WhatAFileLacksIsNamed) {
  const auto error_of = [&](const char* content) {
    tree_.file("c.json", content);
    environment_.set("GOOGLE_APPLICATION_CREDENTIALS", (tree_ / "c.json").native());
    const auto found = find();
    EXPECT_THAT(found, IsError(Errc::invalid_argument, (tree_ / "c.json").native())) << content;
    return found ? std::string() : found.error().message();
  };
  EXPECT_NE(error_of("no JSON").find("isn't a JSON object"), std::string::npos);
  EXPECT_NE(error_of("{}").find("of the type ''"), std::string::npos);
  EXPECT_NE(error_of(R"({"type": "external_account"})").find("'external_account' aren't supported"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"type": "service_account", "client_email": "x"})")
                .find("of the type service_account without private_key"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"type": "authorized_user", "client_id": "x", "client_secret": "y"})")
                .find("without refresh_token"),
            std::string::npos);
}

TEST_F(GsCredentialsTest, ATokenThatIsSentForEverIsNotWaitedFor) {
  environment_.set("RTENV_NETWORK_TIMEOUT", "1");
  environment_.set("GOOGLE_APPLICATION_CREDENTIALS", (tree_ / "c.json").native());
  const auto find_at = [&](const TrickleServer& server) {
    tree_.file("c.json", fmt::format(R"({{"type": "authorized_user", "client_id": "i",
                                         "client_secret": "s", "refresh_token": "r",
                                         "token_uri": "{}"}})",
                                     server.url("/token")));
    return find();
  };
  const std::string begin = "HTTP/1.1 200 OK\r\n\r\n";
  EXPECT_THAT(find_at(TrickleServer(begin)), IsError(Errc::unavailable, "slower than"));
  EXPECT_THAT(find_at(TrickleServer(begin, Pace::fast)),
              IsError(Errc::invalid_argument, "larger than"));
}

TEST_F(GsCredentialsTest, AnUnusableDefaultIsAnErrorToo) {
  tree_.file(".config/gcloud/application_default_credentials.json", "{}");
  EXPECT_THAT(find(), IsError(Errc::invalid_argument, "application_default_credentials.json"));
}

}  // namespace
}  // namespace rtenv::remote
