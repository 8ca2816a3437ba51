#include "remote/gs_store.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

TEST(GsStore, SendsItsTokenToNoOtherServerThanItsOwn) {
  TestServer elsewhere({TestServer::response("308 Resume", {}, {"Range: bytes=0-8388607"}),
                        TestServer::response("200 OK", "{}")});
  TestServer google(
      {TestServer::response("200 OK", R"({"access_token": "t0", "expires_in": 3600})"),
       TestServer::response("200 OK", {}, {"Location: " + elsewhere.url("/up")})});
  TreeBuilder tree;
  tree.file("user.json",
            fmt::format(R"({{"type": "authorized_user", "client_id": "i", "client_secret": "s",
                             "refresh_token": "r", "token_uri": "{}"}})",
                        google.url("/token")));
  Environment environment;
  environment.set("GOOGLE_APPLICATION_CREDENTIALS", (tree / "user.json").native());
  environment.set("STORAGE_EMULATOR_HOST", google.url("/"));
  const auto store = must(open_gs_store(std::move(environment), Access::with_credentials, nullptr));
  const auto upload = must(store->upload(must(Uri::parse("gs://bucket/object")), std::nullopt));
  EXPECT_THAT(upload->write(std::vector<std::byte>(9U << 20U)), IsOk());
  EXPECT_THAT(upload->finish(), IsOk());
  EXPECT_NE(google.stop().at(1).head.find("authorization: bearer t0"), std::string::npos);
  for (const auto& request : elsewhere.stop()) {
    EXPECT_TRUE(request.head.starts_with("put /up ")) << request.head;
    EXPECT_EQ(request.head.find("authorization"), std::string::npos) << request.head;
  }
}

}  // namespace
}  // namespace rtenv::remote
