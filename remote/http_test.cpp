#include "remote/http.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

struct Body {
  std::string text;
  BodySink sink = [this](std::span<const std::byte> data) -> Result<void> {
    text.append(reinterpret_cast<const char*>(data.data()), data.size());
    return {};
  };
};

Result<HttpResponse> send(HttpClient& client, const std::string& url) {
  return client.send([&]() -> Result<HttpRequest> { return HttpRequest{.url = url}; });
}

TEST(HttpClient, RetriesAfterATransientStatus) {
  TestServer server({TestServer::response("503 Service Unavailable"),
                     TestServer::response("200 OK", "body", {"X-Name:  value"})});
  HttpClient client{Environment()};
  const auto response = must(send(client, server.url("/a")));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "body");
  EXPECT_EQ(response.header("x-name"), "value");
  EXPECT_EQ(response.header("x-other"), "");
  EXPECT_EQ(server.stop().size(), 2U);
}

TEST(HttpClient, ReturnsAnErrorStatusWithItsBody) {
  TestServer server({TestServer::response("404 Not Found", "no such key")});
  HttpClient client{Environment()};
  const auto response = must(send(client, server.url("/a")));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "no such key");
}

TEST(HttpClient, FollowsRedirectsOnlyIfTheRequestAllowsThem) {
  const auto redirect = TestServer::response("302 Found", {}, {"Location: /b"});
  TestServer server({redirect, redirect, TestServer::response("200 OK", "body")});
  HttpClient client{Environment()};
  Body body;
  EXPECT_EQ(must(client.stream({.url = server.url("/a")}, body.sink)).status, 302);
  const HttpRequest request{.url = server.url("/a"), .follow_redirects = true};
  EXPECT_EQ(must(client.stream(request, body.sink)).final_url, server.url("/b"));
  EXPECT_EQ(body.text, "body");
}

TEST(HttpClient, FailsIfTheBodyIsLargerThanAllowed) {
  TestServer server({TestServer::response("200 OK", "12345")});
  HttpClient client{Environment()};
  Body body;
  EXPECT_THAT(client.stream({.url = server.url("/a"), .max_bytes = 4}, body.sink),
              IsError(Errc::invalid_argument, "larger than 4 bytes"));
}

TEST(HttpClient, FailsIfTheResponseIsRefused) {
  TestServer server({TestServer::response("200 OK", "12345")});
  HttpClient client{Environment()};
  Body body;
  HttpRequest request{.url = server.url("/a")};
  request.check_response = [](const HttpResponse&) -> Result<void> {
    return fail(Errc::corrupt, "refused");
  };
  EXPECT_THAT(client.stream(request, body.sink), IsError(Errc::corrupt, "refused"));
  EXPECT_EQ(body.text, "");
}

TEST(HttpClient, FailsWithUnavailableIfNobodyListens) {
  TestServer server({});
  const std::string url = server.url("/a");
  server.stop();
  HttpClient client{Environment()};
  Body body;
  EXPECT_THAT(client.stream({.url = url}, body.sink), IsError(Errc::unavailable, "cannot reach"));
}

TEST(HttpClient, StopsWhenCancelled) {
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  HttpClient client(Environment(), &cancellation);
  Body body;
  EXPECT_THAT(client.stream({.url = "http://127.0.0.1:1/"}, body.sink),
              IsError(Errc::cancelled, "interrupted"));
}

TEST(SetbackOf, SaysHowLongTheServerWantsToBeLeftAlone) {
  const auto retry_after = [](std::string text) {
    const auto setback = setback_of(HttpResponse{
        .status = 503,
        .headers = {{"retry-after", std::move(text)}, {"date", "Mon, 30 Nov 2026 12:00:00 GMT"}},
        .final_url = "http://host/"});
    return setback->retry_after ? setback->retry_after->count() : -1;
  };
  EXPECT_EQ(retry_after("7"), 7);
  EXPECT_EQ(retry_after("Mon, 30 Nov 2026 12:00:09 GMT"), 9);
  EXPECT_EQ(retry_after("Mon, 30 Nov 2026 11:00:00 GMT"), 0);
  EXPECT_GT(retry_after("99999999999999999999"), 1'000'000);
  EXPECT_EQ(retry_after("soon"), -1);
  EXPECT_FALSE(setback_of(HttpResponse{.status = 404}));
  EXPECT_FALSE(setback_of(fail(Errc::permission_denied, "no")));
}

TEST(FailStatus, MapsStatusesToCodes) {
  EXPECT_EQ(fail_status(404, "x").value().code(), Errc::not_found);
  EXPECT_EQ(fail_status(401, "x").value().code(), Errc::permission_denied);
  EXPECT_EQ(fail_status(507, "x").value().code(), Errc::out_of_space);
  EXPECT_EQ(fail_status(400, "x").value().code(), Errc::invalid_argument);
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    EXPECT_EQ(fail_status(status, "x").value().code(), Errc::unavailable) << status;
    EXPECT_TRUE(is_transient_status(status)) << status;
  }
  for (const int status : {200, 301, 400, 403, 404, 501})
    EXPECT_FALSE(is_transient_status(status)) << status;
}

}  // namespace
}  // namespace rtenv::remote
