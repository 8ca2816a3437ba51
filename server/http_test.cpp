#include "server/http.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace rtenv::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Request request(std::string_view target) {
  Request request;
  request.set_target(target);
  return request;
}

TEST(HttpTest, DecodesTheQueryButNotThePath) {
  const Request decoded = request("/a%20b/%2e%2E?x=1&y=%26%3D&empty=&flag&&x=2");
  EXPECT_EQ(decoded.path, "/a%20b/%2e%2E");
  EXPECT_THAT(decoded.query,
              ElementsAre(Pair("empty", ""), Pair("flag", ""), Pair("x", "2"), Pair("y", "&=")));
}

TEST(HttpTest, QueryCanBeMissingOrEmpty) {
  EXPECT_THAT(request("/a").query, IsEmpty());
  EXPECT_THAT(request("/a?").query, IsEmpty());
  EXPECT_EQ(request("/a?").path, "/a");
  EXPECT_EQ(request("").path, "");
}

TEST(HttpTest, NumberAcceptsOnlyNonNegativeIntegers) {
  EXPECT_EQ(must(request("/?n=0").number("n")), 0U);
  EXPECT_EQ(must(request("/?n=9223372036854775807").number("n")), 9223372036854775807U);
  EXPECT_EQ(must(request("/").number("n")), std::nullopt);
  for (const char* target : {"/?n=", "/?n=-1", "/?n=1.5", "/?n=1x", "/?n=9223372036854775808"})
    EXPECT_THAT(request(target).number("n"),
                IsError(Errc::invalid_argument, "n must be a whole number, 0 or more"))
        << target;
}

TEST(HttpTest, HidesValuesFromBrowsersAndFromThoseWhoMayOnlyRead) {
  EXPECT_FALSE(Request().hides_values());
  EXPECT_FALSE((Request{.headers = {{"user-agent", "curl/8"}}}.hides_values()));
  EXPECT_TRUE((Request{.headers = {{"user-agent", "Mozilla/5.0"}}}.hides_values()));
  EXPECT_TRUE((Request{.headers = {{"sec-fetch-mode", "cors"}}}.hides_values()));
  EXPECT_TRUE((Request{.caller = {.name = "board", .right = Right::read}}.hides_values()));
}

TEST(HttpTest, ErrorResponseHasStatusAndHint) {
  const Response plain = error_response(Error(Errc::not_found, "no job"));
  EXPECT_EQ(plain.status, 404);
  EXPECT_EQ(plain.body, "no job");
  EXPECT_EQ(error_response(Error(Errc::unavailable, "full", "try later")).body, "full (try later)");
  EXPECT_EQ(json_response({{"a", 1}}).body, "{\"a\":1}");
}

}  // namespace
}  // namespace rtenv::server
