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
        page("<Contents><Key>a</Key></Contents>"), page(entry("a<b/>c")), page(entry("a&#0;b")),
        page("<IsTruncated> true </IsTruncated>"), page("<IsTruncated>yes</IsTruncated>"),
        page("<IsTruncated/>")})
    EXPECT_THAT(list({other}), IsError(Errc::invalid_argument, "s3://bucket/: the response isn't "))
        << other;
}

TEST_F(S3StoreTest, ANameIsAllTheTextOfItsElement) {
  EXPECT_THAT(must(list({page(entry("a<!-- x -->b") + entry("a<![CDATA[<]]>c") + entry(" ") +
                              entry(" <?x?>d", " 3\n") + entry("a&#38;&#x1;"))})),
              ElementsAre("ab", "a<c", " ", " d", "a&\x01"));
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
  TestServer server(upload_responses({ok("<html>log in</html>"), ok("")}));
  EXPECT_THAT(upload(server),
              IsError(Errc::invalid_argument, "isn't a CompleteMultipartUploadResult"));
}

TEST_F(S3StoreTest, AnErrorCountsWhateverItsStatus) {
  const std::string internal_error = ok("<Error><Code>InternalError</Code></Error>");
  TestServer again(upload_responses(
      {internal_error, ok("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")}));
  EXPECT_THAT(upload(again), IsOk());
  TestServer fails(upload_responses(std::vector(20, internal_error)));
  EXPECT_THAT(upload(fails), IsError(Errc::unavailable, "s3://bucket/key: InternalError"));
  TestServer lasting(upload_responses({ok("<Error><Code>InvalidPart</Code></Error>"), ok("")}));
  EXPECT_THAT(upload(lasting), IsError(Errc::invalid_argument, "s3://bucket/key: InvalidPart"));
  TestServer put({internal_error, ok("")});
  const auto store = open(put);
  const auto small = must(store->upload(must(Uri::parse("s3://bucket/key")), 1));
  must(small->write(std::vector<std::byte>(1)));
  EXPECT_THAT(small->finish(), IsOk());
  EXPECT_EQ(put.stop().size(), 2U);

  const std::string slow_down =
      "<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>";
  EXPECT_THAT(must(list({slow_down, page(entry("a"))})), ElementsAre("a"));
  EXPECT_THAT(list(std::vector(20, slow_down)),
              IsError(Errc::unavailable, "s3://bucket/: SlowDown: Reduce your rate."));
  EXPECT_THAT(list({"<Error><Code>AccessDenied</Code></Error>"}),
              IsError(Errc::permission_denied, "s3://bucket/: AccessDenied"));
}

TEST_F(S3StoreTest, AnUploadThatTheStoreForgotIsDoneOnlyIfTheObjectHasItsMark) {
  const std::string failed = ok("<Error><Code>InternalError</Code></Error>");
  for (const std::string& gone :
       {ok("<Error><Code>NoSuchUpload</Code></Error>"),
        TestServer::response("404 Not Found", "<Error><Code>NoSuchUpload</Code></Error>")}) {
    TestServer server(upload_responses(
        {failed, gone, TestServer::response("200 OK", {}, {"x-amz-meta-rtenv-upload: other"}),
         ok("")}));
    EXPECT_THAT(upload(server), IsError(Errc::not_found, "NoSuchUpload"));
    const auto requests = server.stop();
    ASSERT_GE(requests.size(), 6U);
    EXPECT_EQ(requests[5].head.substr(0, 5), "head ") << "asked for the object";
  }
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
