#include "remote/http_object.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

TEST(ObjectInfo, IsParsedFromTheHeaders) {
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

// Reads one object or a part of it from a server that sends one response.
class ReadObjectTest : public testing::Test {
 protected:
  Result<void> read(std::string response, const ObjectInfo& expected,
                    std::optional<ByteRange> range = std::nullopt) {
    TestServer server({std::move(response)});
    HttpClient client{Environment()};
    const BodySink sink = [&](std::span<const std::byte> data) -> Result<void> {
      received_.append(reinterpret_cast<const char*>(data.data()), data.size());
      return {};
    };
    auto done = read_object(client, {.url = server.url("/o")}, expected, range, sink,
                            [](const HttpResponse& refused) {
                              return fail(Errc::not_found, "status {}", refused.status);
                            });
    for (const auto& request : server.stop()) head_ = request.head;
    return done;
  }

  std::string head_;
  std::string received_;
};

TEST_F(ReadObjectTest, ReadsTheWholeObject) {
  EXPECT_THAT(
      read(TestServer::response("200 OK", "12345", {"ETag: v"}), {.size_bytes = 5, .version = "v"}),
      IsOk());
  EXPECT_EQ(received_, "12345");
  EXPECT_EQ(head_.find("range:"), std::string::npos);
}

TEST_F(ReadObjectTest, ReadsARange) {
  EXPECT_THAT(
      read(TestServer::response("206 Partial Content", "345", {"Content-Range: bytes 2-4/9"}),
           {.size_bytes = 9, .version = {}}, ByteRange{2, 3}),
      IsOk());
  EXPECT_EQ(received_, "345");
  EXPECT_NE(head_.find("range: bytes=2-4\r\n"), std::string::npos);
}

TEST_F(ReadObjectTest, RefusesAResponseWithAnotherRange) {
  EXPECT_THAT(read(TestServer::response("200 OK", "123"), {.size_bytes = 3, .version = {}},
                   ByteRange{1, 2}),
              IsError(Errc::invalid_argument, "another range"));
  EXPECT_EQ(received_, "");
}

TEST_F(ReadObjectTest, RefusesAResponseWithAnotherVersionOrSize) {
  for (const ObjectInfo& expected :
       {ObjectInfo{.size_bytes = 3, .version = "old"}, ObjectInfo{.size_bytes = 4, .version = {}}})
    EXPECT_THAT(read(TestServer::response("200 OK", "123", {"ETag: new"}), expected),
                IsError(Errc::corrupt, "changed"));
  EXPECT_EQ(received_, "");
}

TEST_F(ReadObjectTest, DetectsMissingAndSurplusBytes) {
  const std::string without_length = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345";
  EXPECT_THAT(read(without_length, {.size_bytes = 9, .version = {}}),
              IsError(Errc::unavailable, "5 of 9 bytes"));
  EXPECT_THAT(read(without_length, {.size_bytes = 3, .version = {}}),
              IsError(Errc::corrupt, "announced 3 bytes"));
}

TEST_F(ReadObjectTest, ReportsAnErrorStatus) {
  EXPECT_THAT(read(TestServer::response("404 Not Found"), {}),
              IsError(Errc::not_found, "status 404"));
}

}  // namespace
}  // namespace rtenv::remote
