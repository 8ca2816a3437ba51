#include "remote/transfer_error.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include "remote/host_lookup.hpp"
#include "remote/test_server.hpp"
#include "remote/trickle_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

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
  EXPECT_EQ(fail_status(404, "x").code(), Errc::not_found);
  EXPECT_EQ(fail_status(401, "x").code(), Errc::permission_denied);
  EXPECT_EQ(fail_status(507, "x").code(), Errc::out_of_space);
  EXPECT_EQ(fail_status(400, "x").code(), Errc::invalid_argument);
  EXPECT_EQ(fail_status(501, "x").code(), Errc::invalid_argument);
}

TEST(IsTransientStatus, IsTrueForWhatMayGoAway) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 509, 520, 599}) {
    EXPECT_TRUE(is_transient_status(status)) << status;
    EXPECT_EQ(fail_status(status, "x").code(), Errc::unavailable) << status;
  }
  for (const int status : {200, 301, 400, 403, 404, 501, 505, 506, 507, 508, 510, 511, 600})
    EXPECT_FALSE(is_transient_status(status)) << status;
}

TEST(ErrcOfCurl, IsUnavailableForWhatMayGoAway) {
  struct Row {
    CURLcode code;
    Errc errc;
    const char* detail = "";
  };
  for (const Row& row : std::initializer_list<Row>{
           {CURLE_READ_ERROR, Errc::invalid_argument},  // a malformed netrc
           {CURLE_COULDNT_CONNECT, Errc::unavailable},
           {CURLE_COULDNT_RESOLVE_HOST, Errc::unavailable},  // unless host_is_unknown
           {CURLE_COULDNT_RESOLVE_PROXY, Errc::unavailable},
           {CURLE_OPERATION_TIMEDOUT, Errc::unavailable},
           {CURLE_GOT_NOTHING, Errc::unavailable},
           {CURLE_SEND_ERROR, Errc::unavailable},
           {CURLE_RECV_ERROR, Errc::unavailable},
           {CURLE_PARTIAL_FILE, Errc::unavailable},
           {CURLE_SSL_CONNECT_ERROR, Errc::unavailable,
            "OpenSSL SSL_connect: Connection reset by peer in connection to host:443"},
           {CURLE_SSL_CONNECT_ERROR, Errc::unavailable,
            "error:0A000126:SSL routines::unexpected eof while reading"},
           {CURLE_SSL_CONNECT_ERROR, Errc::invalid_argument,
            "error:0A00010B:SSL routines::wrong version number"},
           {CURLE_PEER_FAILED_VERIFICATION, Errc::permission_denied},
           {CURLE_SSL_CACERT_BADFILE, Errc::permission_denied},
           {CURLE_SSL_CERTPROBLEM, Errc::permission_denied},
           {CURLE_SSL_ISSUER_ERROR, Errc::permission_denied},
           {CURLE_LOGIN_DENIED, Errc::permission_denied},
           {CURLE_UNSUPPORTED_PROTOCOL, Errc::invalid_argument},
           {CURLE_URL_MALFORMAT, Errc::invalid_argument},
           {CURLE_TOO_MANY_REDIRECTS, Errc::invalid_argument},
           {CURLE_WEIRD_SERVER_REPLY, Errc::invalid_argument},
           {CURLE_BAD_CONTENT_ENCODING, Errc::invalid_argument},
           {CURLE_FAILED_INIT, Errc::internal},
           {CURLE_ABORTED_BY_CALLBACK, Errc::cancelled}})
    EXPECT_EQ(errc_of_curl(row.code, row.detail), row.errc) << row.code << " " << row.detail;
}

TEST(HostLookup, ANameServerThatDoesNotAnswerSaysNothingOfTheHost) {
  for (const int error : {EAI_NONAME, EAI_NODATA, EAI_FAIL, EAI_ADDRFAMILY})
    EXPECT_TRUE(is_unknown_host(error)) << error;
  for (const int error : {0, EAI_AGAIN, EAI_SYSTEM, EAI_MEMORY})
    EXPECT_FALSE(is_unknown_host(error)) << error;
  EXPECT_FALSE(host_is_unknown("127.0.0.1", nullptr));
  EXPECT_TRUE(host_is_unknown(std::string(70, 'x') + ".example", nullptr)) << "no host's name";
}

TEST(FailStatus, AnExplanationIsShort) {
  EXPECT_EQ(fail_status(403, "x", "no").message(), "x: no (HTTP status 403)");
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\u00fc";
  const std::string message = fail_status(403, "x", "a" + text).message();
  EXPECT_EQ(message, "x: a" + text.substr(0, 498) + "\u2026 (HTTP status 403)");
}

// What is the same the next time is reported at once: one request, and no pause.
class LastingErrorTest : public testing::Test {
 protected:
  Result<HttpResponse> send(const std::string& url) {
    const auto begin = Retry::Clock::now();
    auto outcome = client_.send(
        [&]() -> Result<HttpRequest> { return HttpRequest{.url = url, .follow_redirects = true}; });
    EXPECT_LT(Retry::Clock::now() - begin, std::chrono::milliseconds(2500)) << url;
    return outcome;
  }
  static std::string redirect(const std::string& to) {
    return TestServer::response("302 Found", {}, {"Location: " + to});
  }
  HttpClient client_{Environment()};
};

TEST_F(LastingErrorTest, ALengthThatDoesNotFit) {
  for (const char* const length : {"99999999999999999999", "9223372036854775808"}) {
    TestServer server({fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\nabc", length)});
    EXPECT_THAT(send(server.url("/")), IsError(Errc::invalid_argument, "isn't a Content-Length"));
  }
}

TEST_F(LastingErrorTest, ALoopOfRedirects) {
  TestServer server(std::vector<std::string>(30, redirect("/again")));
  EXPECT_THAT(send(server.url("/")), IsError(Errc::invalid_argument, "more than 10 times"));
  EXPECT_EQ(server.stop().size(), 11U);
}

TEST_F(LastingErrorTest, ARedirectToNowhere) {
  for (const char* location : {"ftp://host/a", "file:///etc/passwd", "http://a b/", ""}) {
    TestServer server({redirect(location), redirect(location)});
    EXPECT_THAT(send(server.url("/")), IsError(Errc::invalid_argument, "redirects")) << location;
    EXPECT_EQ(server.stop().size(), 1U);
  }
}

TEST_F(LastingErrorTest, AServerOfAnotherProtocol) {
  TestServer server({"220 mail.example ESMTP\r\n", "220 mail.example ESMTP\r\n"});
  EXPECT_THAT(send(server.url("/")), IsError(Errc::invalid_argument, "can't be read"));
  EXPECT_EQ(server.stop().size(), 1U);
  const TrickleServer plain("HTTP/1.1 400 Bad Request\r\n\r\n");
  std::string url = plain.url("/");
  url.replace(0, 4, "https");
  EXPECT_THAT(send(url), IsError(Errc::invalid_argument, "can't be read"));
}

TEST_F(LastingErrorTest, AHostThatCannotExist) {
  EXPECT_THAT(send("http://" + std::string(70, 'x') + ".example/"),
              IsError(Errc::invalid_argument, "there is no host"));
}

}  // namespace
}  // namespace rtenv::remote
