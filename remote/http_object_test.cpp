#include "remote/http_object.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "remote/transfer_error.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

ObjectInfo info(std::map<std::string, std::string, std::less<>> headers) {
  return object_info({.status = 200, .headers = std::move(headers), .body = {}, .final_url = {}});
}

TEST(ObjectInfo, IsParsedFromTheHeaders) {
  EXPECT_EQ(info({{"content-length", "12"}, {"etag", "\"e\""}}).size_bytes, 12U);
  EXPECT_EQ(info({{"content-length", "10"}, {"content-range", "bytes 0-9/99"}}).size_bytes, 99U);
  for (const char* bad : {"12x", "-1", "", "99999999999999999999999", "9223372036854775808"})
    EXPECT_EQ(info({{"content-length", bad}}).size_bytes, std::nullopt) << bad;
}

TEST(ObjectInfo, OnlyAStrongETagTiesParts) {
  EXPECT_EQ(info({{"content-range", "bytes 0-9/*"}, {"etag", "\"e\""}}).tie, Tie::etag);
  EXPECT_EQ(info({{"accept-ranges", "bytes"}, {"etag", "\"e\""}}).tie, Tie::etag);
  for (const char* weak : {"W/\"e\"", "e", ""})
    EXPECT_EQ(info({{"accept-ranges", "bytes"}, {"etag", weak}}).tie, Tie::none) << weak;
  EXPECT_EQ(info({{"etag", "\"e\""}}).tie, Tie::none) << "the server may have no ranges";
  for (const char* bad : {"bytes 9", "items 0-9/99", "bytes 0/9-3", "bytes -9/9", "bytes a-b/c"})
    EXPECT_EQ(info({{"content-range", bad}, {"etag", "\"e\""}}).tie, Tie::none) << bad;
}

TEST(ObjectInfo, LastModifiedIsAVersionOnlyOnceItsSecondHasPassed) {
  const char* const noon = "Mon, 30 Nov 2026 12:00:00 GMT";
  EXPECT_EQ(info({{"etag", "\"e\""}, {"last-modified", noon}}).version, "\"e\"");
  EXPECT_EQ(info({{"last-modified", noon}, {"date", "Mon, 30 Nov 2026 12:00:02 GMT"}}).version,
            noon);
  EXPECT_EQ(info({{"last-modified", noon}, {"date", "Mon, 30 Nov 2026 12:00:01 GMT"}}).version, "");
  EXPECT_EQ(info({{"last-modified", noon}}).version, "");
  EXPECT_EQ(info({{"last-modified", "then"}, {"date", noon}}).version, "");
}

const ObjectInfo k_nine_bytes{.size_bytes = 9, .version = "\"v\"", .tie = Tie::etag};

// Reads one object or a part of it from a server that sends these responses, one each.
class ReadObjectTest : public testing::Test {
 protected:
  Result<void> read(std::vector<std::string> responses, const ObjectInfo& expected,
                    std::optional<ByteRange> range = std::nullopt) {
    TestServer server(std::move(responses));
    Environment environment;
    environment.set("RTENV_NETWORK_TIMEOUT", "1");
    HttpClient client{environment};
    const ContentSink sink{.write = [&](std::span<const std::byte> data) -> Result<void> {
                             received_.append(reinterpret_cast<const char*>(data.data()),
                                              data.size());
                             return {};
                           },
                           .restart = [&]() -> Result<void> {
                             received_.clear();
                             return {};
                           }};
    const ObjectRequest request{
        .make = [&]() -> Result<HttpRequest> { return HttpRequest{.url = server.url("/o")}; },
        .explain =
            [](const HttpResponse& refused) {
              return fail(is_transient_status(refused.status) ? Errc::unavailable : Errc::not_found,
                          "status {}", refused.status);
            }};
    auto done = read_object(client, request, expected, range, sink);
    heads_.clear();
    for (const auto& each : server.stop()) heads_.push_back(each.head);
    return done;
  }

  static std::string whole(std::string_view body, const char* etag = "\"v\"") {
    return TestServer::response("200 OK", body, {fmt::format("ETag: {}", etag)});
  }
  static std::string part(std::string_view body, std::string_view range,
                          const char* etag = "\"v\"") {
    return TestServer::response(
        "206 Partial Content", body,
        {fmt::format("Content-Range: bytes {}", range), fmt::format("ETag: {}", etag)});
  }
  // The whole object, but the connection ends early.
  static std::string cut(std::string_view body, std::size_t announced) {
    return fmt::format("HTTP/1.1 200 OK\r\nETag: \"v\"\r\nContent-Length: {}\r\n\r\n{}", announced,
                       body);
  }

  std::vector<std::string> heads_;
  std::string received_;
};

TEST_F(ReadObjectTest, ReadsTheWholeObject) {
  EXPECT_THAT(read({whole("123456789")}, k_nine_bytes), IsOk());
  EXPECT_EQ(received_, "123456789");
  EXPECT_EQ(heads_[0].find("range:"), std::string::npos);
}

TEST_F(ReadObjectTest, ReadsARangeOfTheExpectedVersion) {
  EXPECT_THAT(read({part("345", "2-4/9")}, k_nine_bytes, ByteRange{2, 3}), IsOk());
  EXPECT_EQ(received_, "345");
  EXPECT_NE(heads_[0].find("range: bytes=2-4\r\n"), std::string::npos);
  EXPECT_NE(heads_[0].find("if-match: \"v\"\r\n"), std::string::npos);
}

TEST_F(ReadObjectTest, APartOrNothingIsNotTheWholeObject) {
  const std::string part =
      TestServer::response("206 OK", "12345", {"Content-Range: bytes 50-54/100"});
  for (const std::string& response : {part, TestServer::response("204 OK")})
    EXPECT_THAT(read({response}, {}), IsError(Errc::corrupt, "instead of the whole object"));
}

TEST_F(ReadObjectTest, RefusesAResponseWithAnotherRange) {
  EXPECT_THAT(read({whole("123456789")}, k_nine_bytes, ByteRange{1, 2}),
              IsError(Errc::invalid_argument, "another range"));
  EXPECT_EQ(received_, "");
}

TEST_F(ReadObjectTest, RefusesAResponseOfAnotherVersionOrSize) {
  EXPECT_THAT(read({whole("123456789", "\"new\"")}, k_nine_bytes),
              IsError(Errc::changed, "changed"));
  EXPECT_THAT(read({whole("1234")}, k_nine_bytes), IsError(Errc::changed, "changed"));
  EXPECT_THAT(read({whole("")}, k_nine_bytes), IsError(Errc::changed, "changed"));
  EXPECT_THAT(read({part("345", "2-4/9", "W/\"v\"")}, k_nine_bytes, ByteRange{2, 3}),
              IsError(Errc::changed, "changed"));
  EXPECT_THAT(
      read({TestServer::response("206 Partial Content", "345", {"Content-Range: bytes 2-4/9"})},
           k_nine_bytes, ByteRange{2, 3}),
      IsError(Errc::changed, "changed"));
  for (const char* status : {"412 Precondition Failed", "416 Range Not Satisfiable"})
    EXPECT_THAT(read({TestServer::response(status)}, k_nine_bytes, ByteRange{2, 3}),
                IsError(Errc::changed, "changed"));
  EXPECT_EQ(received_, "");
}

TEST_F(ReadObjectTest, ResumesWhereItWasCutOffIfTheVersionIsSure) {
  EXPECT_THAT(read({cut("1234", 9), part("56789", "4-8/9")}, k_nine_bytes), IsOk());
  EXPECT_EQ(received_, "123456789");
  EXPECT_NE(heads_.at(1).find("range: bytes=4-8\r\n"), std::string::npos);
}

TEST_F(ReadObjectTest, BeginsAgainIfTheVersionIsNotSure) {
  const ObjectInfo loose{.size_bytes = 9, .version = "\"v\""};
  EXPECT_THAT(read({cut("abcd", 9), whole("123456789")}, loose), IsOk());
  EXPECT_EQ(received_, "123456789");
  EXPECT_EQ(heads_.at(1).find("range:"), std::string::npos);
}

TEST_F(ReadObjectTest, RetriesATransientStatus) {
  EXPECT_THAT(
      read({TestServer::response("503 Service Unavailable"), whole("123456789")}, k_nine_bytes),
      IsOk());
  EXPECT_EQ(received_, "123456789");
}

TEST_F(ReadObjectTest, DetectsMissingAndSurplusBytes) {
  const std::string without_length = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n12345";
  EXPECT_THAT(read({without_length, without_length}, {.size_bytes = 9, .version = {}}),
              IsError(Errc::unavailable));
  EXPECT_THAT(read({without_length}, {.size_bytes = 3, .version = {}}),
              IsError(Errc::corrupt, "announced 3 bytes"));
}

TEST_F(ReadObjectTest, ReportsAnErrorStatus) {
  EXPECT_THAT(read({TestServer::response("404 Not Found")}, {}),
              IsError(Errc::not_found, "status 404"));
}

}  // namespace
}  // namespace rtenv::remote
