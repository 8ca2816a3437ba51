#include "remote/http.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "remote/curl_library.hpp"
#include "remote/test_server.hpp"
#include "remote/trickle_server.hpp"
#include "support/tree_builder.hpp"

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

// Once it was waited for, without an end.
TEST(HttpClient, ATransferThatLibcurlCannotBeginFails) {
  TestServer server({TestServer::response("200 OK", "body")});
  auto& curl = const_cast<CurlLibrary&>(*must(curl_library()));
  const auto before = curl.multi_add_handle;
  curl.multi_add_handle = [](CURLM*, CURL*) { return CURLM_OUT_OF_MEMORY; };
  Environment environment;
  environment.set("RTENV_NETWORK_TIMEOUT", "2");
  HttpClient client(environment);
  const auto response = client.stream({.url = server.url("/a")}, Body().sink);
  curl.multi_add_handle = before;
  EXPECT_THAT(response, IsError(Errc::unavailable, "memory"));
  EXPECT_EQ(must(send(client, server.url("/a"))).body, "body");
}

// libcurl would wait for their writers, whatever the timeout.
TEST(HttpClient, RefusesPipesInPlaceOfFilesThatLibcurlReads) {
  const TreeBuilder tree;
  const Path fifo = tree.root() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const char* variable : {"NETRC", "SSL_CERT_FILE"}) {
    Environment environment;
    environment.set(variable, fifo.native());
    HttpClient client(environment);
    const auto make = []() -> Result<HttpRequest> {
      return HttpRequest{.url = "http://127.0.0.1:1/x", .netrc = Netrc::any_entry};
    };
    EXPECT_THAT(client.send(make), IsError(Errc::invalid_argument, "fifo"));
  }
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
  EXPECT_THAT(client_.stream(request, body_.sink),
              IsError(Errc::permission_denied, "the proxy for https://name.example/"));
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

// All of a response has the least rate, or the transfer ends: with RTENV_NETWORK_TIMEOUT=1, an
// attempt that gets a byte now and then takes 1 s for the response and 1 s for its bytes.
class TrickleTest : public testing::Test {
 protected:
  TrickleTest() {
    Environment environment;
    environment.set("RTENV_NETWORK_TIMEOUT", "1");
    client_.emplace(std::move(environment));
  }
  Result<HttpResponse> send(const TrickleServer& server) {
    const auto begin = Retry::Clock::now();
    auto outcome = client_->send([&]() -> Result<HttpRequest> {
      return HttpRequest{.url = server.url("/"), .follow_redirects = true};
    });
    EXPECT_LT(Retry::Clock::now() - begin, std::chrono::seconds(10));
    return outcome;
  }
  std::optional<HttpClient> client_;
};

TEST_F(TrickleTest, TheBodyOfARefusalIsNotWaitedFor) {
  const TrickleServer server("HTTP/1.1 404 Not Found\r\nContent-Length: 100000\r\n\r\n");
  const auto response = must(send(server));
  EXPECT_EQ(response.status, 404);
  EXPECT_GE(response.body.size(), 1U);
  EXPECT_EQ(server.connections(), 1) << "a refusal isn't retried";
}

TEST_F(TrickleTest, TheBodyOfARedirectIsNotWaitedFor) {
  TestServer target({TestServer::response("200 OK", "body")});
  const TrickleServer server(fmt::format(
      "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 100000\r\n\r\n", target.url("/b")));
  EXPECT_EQ(must(send(server)).body, "body");
}

TEST_F(TrickleTest, ALoopOfSlowRedirectsEnds) {
  const TrickleServer server(
      "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_THAT(send(server), IsError(Errc::unavailable));
}

TEST_F(TrickleTest, ADocumentThatIsTooSlowIsAnError) {
  const TrickleServer server("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_THAT(send(server),
              IsError(Errc::unavailable, "slower than 1024 bytes per second for 1 s"));
}

TEST_F(TrickleTest, HeadersThatAreTooSlowAreAnError) {
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_THAT(send(TrickleServer("HTTP/1.1 200 OK\r\nX: ")), IsError(Errc::unavailable));
  EXPECT_THAT(send(TrickleServer(interim, Pace::slow, interim)), IsError(Errc::unavailable));
}

// As fast as the client reads.
class EndlessTest : public TrickleTest {};

TEST_F(EndlessTest, ARefusalIsCutToWhatHelps) {
  const TrickleServer server("HTTP/1.1 404 Not Found\r\n\r\n", Pace::fast);
  const auto response = must(send(server));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body.size(), 16U << 10U);
}

TEST_F(EndlessTest, ADocumentHasALimit) {
  const TrickleServer server("HTTP/1.1 200 OK\r\n\r\n", Pace::fast);
  EXPECT_THAT(send(server), IsError(Errc::invalid_argument, "larger than 33554432 bytes"));
}

TEST_F(EndlessTest, HeadersHaveALimit) {
  const TrickleServer server("HTTP/1.1 200 OK\r\n", Pace::fast, "X: xxxxxxxxxxxxxxxxxxxxx\r\n");
  EXPECT_THAT(send(server), IsError(Errc::invalid_argument, "bytes of headers"));
}

}  // namespace
}  // namespace rtenv::remote
