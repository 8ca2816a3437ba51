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

TEST(HttpClient, SendsCredentialsToTheirOriginOnly) {
  TestServer other({TestServer::response("200 OK", "body")});
  const auto redirect = TestServer::response("302 Found", {}, {"Location: " + other.url("/b")});
  TestServer server({redirect});
  HttpClient client{Environment()};
  Body body;
  must(client.stream({.url = server.url("/a"),
                      .headers = {"X-Token: secret", "Range: bytes=0-3"},
                      .bearer = "secret",
                      .follow_redirects = true},
                     body.sink));
  const auto at_server = server.stop();
  EXPECT_NE(at_server.at(0).head.find("authorization: bearer secret"), std::string::npos);
  const auto at_other = other.stop();
  EXPECT_EQ(at_other.at(0).head.find("secret"), std::string::npos) << "another port";
  EXPECT_NE(at_other.at(0).head.find("range: bytes=0-3"), std::string::npos);
}

// libcurl reads it from the process's environment.
class HttpProxyTest : public testing::Test {
 protected:
  static void use(const std::string& proxy) { ::setenv("http_proxy", proxy.c_str(), 1); }
  ~HttpProxyTest() override { ::unsetenv("http_proxy"); }
  HttpClient client_{Environment()};
  Body body_;
};

TEST_F(HttpProxyTest, OnlyRequestsForMetadataReachItsAddresses) {
  for (const char* url : {"http://169.254.169.254/latest", "http://2852039166/latest",
                          "http://[::ffff:169.254.169.254]/", "http://metadata.google.internal/"})
    EXPECT_THAT(client_.stream({.url = url}, body_.sink),
                IsError(Errc::permission_denied, "metadata service"))
        << url;
  use("http://169.254.169.254:9");  // stands for a name that has this address
  EXPECT_THAT(client_.stream({.url = "http://name.example/"}, body_.sink),
              IsError(Errc::permission_denied, "metadata service"));
}

TEST_F(HttpProxyTest, AProxyThatConnectsToAServerGetsNothingForIt) {
  TestServer proxy({TestServer::response("403 Forbidden")});
  ::setenv("https_proxy", proxy.url("/").c_str(), 1);
  const HttpRequest request{
      .url = "https://name.example/", .headers = {"X-Token: secret"}, .bearer = "secret"};
  EXPECT_THAT(client_.stream(request, body_.sink), IsError(Errc::unavailable));
  ::unsetenv("https_proxy");
  const auto head = proxy.stop().at(0).head;
  EXPECT_TRUE(head.starts_with("connect name.example:443 ")) << head;
  EXPECT_EQ(head.find("secret"), std::string::npos) << head;
}

TEST_F(HttpProxyTest, RequestsForMetadataUseNone) {
  const auto answer = TestServer::response("200 OK", "from the proxy");
  TestServer proxy({answer});
  TestServer server({TestServer::response("200 OK", "from the server")});
  use(proxy.url("/"));
  std::string url = server.url("/keys");
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  must(client_.stream({.url = url}, body_.sink));
  must(client_.stream({.url = url, .destination = Destination::metadata}, body_.sink));
  EXPECT_EQ(body_.text, "from the proxyfrom the server");
}

TEST(HttpClient, RefusesHeadersWithLineBreaks) {
  TestServer server({TestServer::response("200 OK")});
  HttpClient client{Environment()};
  Body body;
  for (const HttpRequest& request :
       {HttpRequest{.url = server.url("/"), .headers = {"A: b\r\nHost: other"}},
        HttpRequest{.url = server.url("/"), .bearer = "token\nX: y"}})
    EXPECT_THAT(client.stream(request, body.sink), IsError(Errc::invalid_argument, "line break"));
  Environment environment;
  environment.set("RAY_RUNTIME_ENV_HTTP_USER_AGENT", "a\nX: y");
  HttpClient named(std::move(environment));
  EXPECT_THAT(named.stream({.url = server.url("/")}, body.sink),
              IsError(Errc::invalid_argument, "line break"));
  EXPECT_TRUE(server.stop().empty());
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
