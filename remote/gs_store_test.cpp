#include "remote/gs_store.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "remote/store_fixture.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

// What the store tells of an object that it has.
std::string stored(const std::string& object) {
  Md5 md5;
  md5.add(std::as_bytes(std::span(object)));
  return fmt::format(R"({{"size": "{}", "md5Hash": "{}", "generation": "7"}})", object.size(),
                     base64(md5.finish()));
}

class GsStoreTest : public testing::Test {
 protected:
  std::unique_ptr<ObjectStore> open(const TestServer& server) {
    Environment environment;
    environment.set("STORAGE_EMULATOR_HOST", server.url(""));
    environment.set("RTENV_NETWORK_TIMEOUT", "1");
    return must(open_gs_store(std::move(environment), Access::anonymous, nullptr));
  }
  static std::vector<std::string> ok(const std::vector<std::string>& bodies) {
    std::vector<std::string> responses;
    for (const std::string& body : bodies)
      responses.push_back(TestServer::response("200 OK", body));
    return responses;
  }
  Result<void> upload(const TestServer& server, const std::string& object) {
    const auto store = open(server);
    const auto upload = must(store->upload(uri_, std::nullopt));
    RTENV_TRY(upload->write(std::as_bytes(std::span(object))));
    return upload->finish();
  }
  Result<std::vector<std::string>> list(const std::vector<std::string>& bodies) {
    TestServer server(ok(bodies));
    return listed_paths(*open(server), "gs://bucket/");
  }
  const Uri uri_ = must(Uri::parse("gs://bucket/object"));
};

TEST_F(GsStoreTest, AnUploadIsDoneIfTheStoreHasTheObject) {
  TestServer whole(ok({"", R"({"size": "5", "md5H)", stored("small")}));
  EXPECT_THAT(upload(whole, "small"), IsOk()) << "sent again after a response that was cut off";
  TestServer crc(ok({R"({"size": "5", "crc32c": "JDYkAA=="})", "{}"}));
  EXPECT_THAT(upload(crc, "small"), IsError(Errc::corrupt, "checksum differs"));
  TestServer cut(ok(std::vector<std::string>(20)));
  EXPECT_THAT(upload(cut, "small"), IsError(Errc::unavailable, "was cut off"));
  for (const char* const other :
       {"{}", R"({"size": "5"})", R"({"md5Hash": "x"})", R"({"error": {}})", "<html>", "[]"}) {
    TestServer server(ok({other}));
    EXPECT_THAT(upload(server, "small"), IsError(Errc::invalid_argument, "gs://bucket/object: "))
        << other;
  }
  for (const char* const other : {"smaller", "SMALL"}) {
    TestServer server(ok({stored(other), "{}"}));
    EXPECT_THAT(upload(server, "small"), IsError(Errc::corrupt, "checksum differs"));
    EXPECT_NE(server.stop().at(1).head.find("object?generation=7 "), std::string::npos);
  }
}

TEST_F(GsStoreTest, ALargeUploadIsDoneIfTheStoreHasTheObject) {
  const std::string object(9U << 20U, 'x');
  for (const std::string& end : {stored(object), stored("other"), std::string("{}")}) {
    TestServer session({TestServer::response("308 Resume", {}, {"Range: bytes=0-8388607"}),
                        TestServer::response("200 OK", end)});
    TestServer server({TestServer::response("200 OK", {}, {"Location: " + session.url("/up")}),
                       TestServer::response("204 No Content")});
    const auto outcome = upload(server, object);
    EXPECT_EQ(outcome.has_value(), end == stored(object)) << end;
  }
}

TEST_F(GsStoreTest, AListingIsWhole) {
  const std::string page = R"({"items": [{"name": "a", "size": "1"}]})";
  EXPECT_THAT(must(list({R"({"nextPageToken": "t"})", page})), testing::ElementsAre("a"));
  EXPECT_THAT(must(list({page.substr(0, 20), page})), testing::ElementsAre("a")) << "asked again";
  for (const char* const other :
       {R"({"error": {"code": 500}})", R"({"items": {"name": "a"}})", R"({"items": ["a"]})",
        R"({"items": [{"size": "1"}]})", R"({"items": [{"name": "a", "size": "x"}]})",
        R"({"nextPageToken": 5})", "<html>"})
    EXPECT_THAT(list({other}),
                IsError(Errc::invalid_argument, "gs://bucket/: the response isn't a"))
        << other;
}

TEST_F(GsStoreTest, AnObjectHasASizeAndAnyGeneration) {
  TestServer bad(ok({R"({"size": "abc", "generation": "1"})"}));
  EXPECT_THAT(open(bad)->stat(uri_), IsError(Errc::invalid_argument, "it has no size"));
  TestServer server(ok({R"({"size": "1", "generation": "1&alt=json"})", "x"}));
  const auto store = open(server);
  const auto info = must(store->stat(uri_));
  EXPECT_THAT(store->read(uri_, info, std::nullopt,
                          {.write = [](auto) { return Result<void>(); }, .restart = {}}),
              IsOk());
  EXPECT_NE(server.stop().at(1).head.find("generation=1%26alt%3djson "), std::string::npos);
}

TEST(GsStore, SendsItsTokenToNoOtherServerThanItsOwn) {
  TestServer elsewhere({TestServer::response("308 Resume", {}, {"Range: bytes=0-8388607"}),
                        TestServer::response("200 OK", stored(std::string(9U << 20U, '\0')))});
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
