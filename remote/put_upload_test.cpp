#include "remote/put_upload.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

constexpr std::size_t k_large_bytes = (9U << 20U) + 5;  // more than a block

class PutUploadTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<PutUpload> open(const TestServer& server,
                                                std::optional<std::uint64_t> size_bytes) {
    return std::make_unique<PutUpload>(
        client_, HttpRequest{.method = "PUT", .url = server.url("/o")}, size_bytes,
        [](const HttpResponse& refused) {
          return fail(Errc::permission_denied, "status {}", refused.status);
        });
  }
  static std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
  }

  static Environment short_timeout() {
    Environment environment;
    environment.set("RTENV_NETWORK_TIMEOUT", "1");
    return environment;
  }

  HttpClient client_{short_timeout()};
  const std::string large_ = std::string(k_large_bytes, 'x');
};

TEST_F(PutUploadTest, SendsASmallObjectAndRetries) {
  TestServer server(
      {TestServer::response("503 Service Unavailable"), TestServer::response("201 Created")});
  const auto upload = open(server, std::nullopt);
  EXPECT_THAT(upload->write(bytes("abc")), IsOk());
  EXPECT_THAT(upload->write(bytes("def")), IsOk());
  EXPECT_THAT(upload->finish(), IsOk());
  const auto requests = server.stop();
  ASSERT_EQ(requests.size(), 2U);
  for (const auto& request : requests) {
    EXPECT_TRUE(request.head.starts_with("put /o "));
    EXPECT_EQ(request.body, "abcdef");
  }
}

TEST_F(PutUploadTest, StreamsALargeObjectWithItsLength) {
  TestServer server({TestServer::response("201 Created")});
  const auto upload = open(server, large_.size());
  EXPECT_THAT(upload->write(bytes(large_)), IsOk());
  EXPECT_THAT(upload->finish(), IsOk());
  const auto requests = server.stop();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_NE(requests[0].head.find(fmt::format("content-length: {}\r\n", large_.size())),
            std::string::npos);
  EXPECT_TRUE(requests[0].body == large_);
}

TEST_F(PutUploadTest, StreamsInChunksIfTheSizeIsUnknown) {
  TestServer server({TestServer::response("201 Created")});
  const auto upload = open(server, std::nullopt);
  EXPECT_THAT(upload->write(bytes(large_)), IsOk());
  EXPECT_THAT(upload->finish(), IsOk());
  const auto requests = server.stop();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_NE(requests[0].head.find("transfer-encoding: chunked"), std::string::npos);
  EXPECT_GT(requests[0].body.size(), large_.size());
}

TEST_F(PutUploadTest, ReportsAnErrorStatus) {
  for (const std::string& object : {std::string("small"), large_}) {
    TestServer server({TestServer::response("403 Forbidden")});
    const auto upload = open(server, object.size());
    EXPECT_THAT(upload->write(bytes(object)), IsOk());
    EXPECT_THAT(upload->finish(), IsError(Errc::permission_denied, "status 403"));
  }
}

TEST_F(PutUploadTest, AResponseBeforeTheEndOfTheBodyIsNoSuccess) {
  const std::string small(2U << 20U, 'x');  // sent as a whole
  const std::string done = TestServer::response("200 OK");
  for (const auto& [object, size_bytes] :
       {std::pair(&small, std::optional<std::uint64_t>()),
        std::pair(&large_, std::optional<std::uint64_t>()),
        std::pair(&large_, std::optional<std::uint64_t>(large_.size()))}) {
    TestServer server(std::vector(20, done), TestServer::Answers::after_the_head);
    const auto upload = open(server, size_bytes);
    auto outcome = upload->write(bytes(*object));  // may see the response already
    if (outcome) outcome = upload->finish();
    EXPECT_THAT(outcome, IsError(Errc::unavailable, "the server ended the upload early"));
  }
}

TEST_F(PutUploadTest, DestructionStopsAnUnfinishedStream) {
  TestServer server({TestServer::response("201 Created")});
  {
    const auto upload = open(server, 2 * large_.size());
    EXPECT_THAT(upload->write(bytes(large_)), IsOk());
  }
  const auto requests = server.stop();
  ASSERT_LE(requests.size(), 1U);
  for (const auto& request : requests) EXPECT_LE(request.body.size(), large_.size());
}

}  // namespace
}  // namespace rtenv::remote
