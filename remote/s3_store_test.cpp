#include "remote/s3_store.hpp"

#include <gtest/gtest.h>

#include "remote/store_fixture.hpp"

namespace rtenv::remote {
namespace {

constexpr std::string_view k_declaration = "<?xml version=\"1.0\"?>\n";

class S3StoreTest : public testing::Test {
 protected:
  std::unique_ptr<ObjectStore> open(const TestServer& server) {
    Environment environment;
    environment.set("AWS_ENDPOINT_URL", server.url(""));
    environment.set("AWS_CONFIG_FILE", "/dev/null");
    environment.set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    environment.set("RTENV_NETWORK_TIMEOUT", "1");
    return must(open_s3_store(std::move(environment), Access::anonymous, nullptr));
  }
  Result<std::vector<std::string>> list(const std::vector<std::string>& bodies) {
    std::vector<std::string> responses;
    for (const std::string& body : bodies) responses.push_back(ok(body));
    TestServer server(responses);
    return listed_paths(*open(server), "s3://bucket/");
  }
  // Of an object in two parts. The responses are those to its completion.
  static std::vector<std::string> upload_responses(const std::vector<std::string>& completion) {
    std::vector<std::string> responses{ok("<InitiateMultipartUploadResult><UploadId>U1</UploadId></"
                                          "InitiateMultipartUploadResult>"),
                                       TestServer::response("200 OK", {}, {"ETag: \"e\""}),
                                       TestServer::response("200 OK", {}, {"ETag: \"e\""})};
    responses.insert(responses.end(), completion.begin(), completion.end());
    return responses;
  }
  Result<void> upload(const TestServer& server) {
    const auto store = open(server);
    const auto upload = must(store->upload(must(Uri::parse("s3://bucket/key")), std::nullopt));
    RTENV_TRY(upload->write(std::vector<std::byte>(9U << 20U)));
    return upload->finish();
  }
  static std::string ok(std::string_view body) { return TestServer::response("200 OK", body); }
  static std::string entry(std::string_view key, std::string_view size = "3") {
    return fmt::format("<Contents><Key>{}</Key><Size>{}</Size></Contents>", key, size);
  }
  static std::string page(std::string_view content) {
    return fmt::format("{}<ListBucketResult>{}</ListBucketResult>", k_declaration, content);
  }
};

using testing::ElementsAre;

TEST_F(S3StoreTest, ListsWholePagesOnly) {
  const std::string truncated = "<IsTruncated>true</IsTruncated>";
  const std::string first =
      page(truncated + entry("a") + "<NextContinuationToken>t</NextContinuationToken>");
  EXPECT_THAT(must(list({first, page(entry("b"))})), ElementsAre("a", "b"));
  const std::string cut = page(entry("b") + entry("c")).substr(0, 80);
  EXPECT_THAT(must(list({first, cut, page(entry("b"))})), ElementsAre("a", "b")) << "asked again";
  EXPECT_THAT(list(std::vector(20, cut)), IsError(Errc::unavailable, "was cut off"));
  for (const std::string& other :
       {std::string("<html>log in</html>"), page(truncated + entry("a")), page(entry("")),
        page("<Contents><Size>1</Size></Contents>"), page(entry("a", "x")),
        page("<Contents><Key>a</Key></Contents>")})
    EXPECT_THAT(list({other}),
                IsError(Errc::invalid_argument, "s3://bucket/: the response isn't a"))
        << other;
}

TEST_F(S3StoreTest, ARefusalIsExplainedByOneShortRequest) {
  const Uri uri = must(Uri::parse("s3://bucket/key"));
  const std::string refusal = TestServer::response("403 Forbidden");
  TestServer server({refusal, "HTTP/1.1 403 Forb", "HTTP/1.1 403 Forb", refusal});
  EXPECT_THAT(open(server)->stat(uri), IsError(Errc::permission_denied, "HTTP status 403"));
  EXPECT_EQ(server.stop().size(), 2U) << "what doesn't explain it isn't asked again";
  TestServer explains(
      {refusal, TestServer::response("403 Forbidden", "<Error><Code>ExpiredToken</Code></Error>")});
  EXPECT_THAT(open(explains)->stat(uri), IsError(Errc::permission_denied, "ExpiredToken"));
}

TEST_F(S3StoreTest, AnUploadIsCompleteIfTheStoreSaysSo) {
  for (const char* const done :
       {"<CompleteMultipartUploadResult xmlns=\"x\"><ETag>e</ETag></CompleteMultipartUploadResult>",
        "<s3:CompleteMultipartUploadResult xmlns:s3=\"x\"/>"}) {
    TestServer server(upload_responses({ok(done)}));
    EXPECT_THAT(upload(server), IsOk()) << done;
  }
  for (const char* const error :
       {"<Error><Code>InternalError</Code></Error>",
        "\n\n<s3:Error xmlns:s3=\"x\"><s3:Code>InternalError</s3:Code></s3:Error>"}) {
    TestServer server(upload_responses({ok(std::string(k_declaration) + error), ok("")}));
    EXPECT_THAT(upload(server), IsError(Errc::unavailable, "s3://bucket/key: InternalError"));
  }
  TestServer server(upload_responses({ok("<html>log in</html>"), ok("")}));
  EXPECT_THAT(upload(server),
              IsError(Errc::invalid_argument, "isn't a CompleteMultipartUploadResult"));
}

TEST_F(S3StoreTest, AnIncompleteAnswerToTheCompletionIsLikeALostOne) {
  for (const std::string& incomplete :
       {std::string(), std::string(k_declaration) + "   \n",
        std::string(k_declaration) + "<CompleteMultipartUploadResult><Locat"}) {
    TestServer server(upload_responses(
        {ok(incomplete), ok("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")}));
    EXPECT_THAT(upload(server), IsOk()) << incomplete;
    EXPECT_EQ(server.stop().size(), 5U) << "asked again";
  }
  TestServer server(upload_responses(std::vector(20, ok(""))));
  EXPECT_THAT(upload(server), IsError(Errc::unavailable, "was cut off"));
}

}  // namespace
}  // namespace rtenv::remote
