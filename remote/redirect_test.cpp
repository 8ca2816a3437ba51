#include "remote/redirect.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

HttpRequest with_everything(std::string url) {
  return {.url = std::move(url),
          .unix_socket = "/socket",
          .headers = {"Authorization: secret", "X-Token: secret", "Cookie: secret",
                      "Range: bytes=0-0", "accept: text/html"},
          .aws = AwsSigning{"region", "s3", "id", "secret"},
          .bearer = "secret",
          .netrc = Netrc::any_entry,
          .sign = [](HttpRequest&) {}};
}

HttpRequest follow(std::string from, const std::string& to) {
  return must(redirected(with_everything(std::move(from)), to));
}

TEST(Redirect, KeepsCredentialsWithinAnOrigin) {
  for (const char* to : {"https://host:8443/b?c", "https://HOST:8443/b?c"}) {
    const auto request = follow("https://user:key@host:8443/a", to);
    EXPECT_EQ(request.url, "https://user:key@host:8443/b?c");
    EXPECT_EQ(request.bearer, "secret");
    EXPECT_EQ(request.headers.size(), 5U);
    EXPECT_EQ(request.netrc, Netrc::any_entry);
  }
  EXPECT_EQ(follow("https://a@host/x", "https://b@host:443/y").url, "https://b@host/y");
}

TEST(Redirect, CarriesNoCredentialToAnotherOrigin) {
  for (const char* other :
       {"https://host:444/b", "https://evil.example/b", "https://host.evil.example/b",
        "https://evil.example/@host/", "https://host:443@evil.example/"}) {
    const auto request = follow("https://user:key@host/a", other);
    EXPECT_EQ(request.url, other);
    EXPECT_EQ(request.bearer, "") << other;
    EXPECT_FALSE(request.aws) << other;
    EXPECT_FALSE(request.sign) << other;
    EXPECT_EQ(request.unix_socket, "") << other;
    EXPECT_THAT(request.headers, testing::ElementsAre("Range: bytes=0-0", "accept: text/html"));
  }
}

TEST(Redirect, AnEntryOfNetrcCountsForItsHostsOwnService) {
  const auto netrc = [](const char* from, const char* to) { return follow(from, to).netrc; };
  EXPECT_EQ(netrc("http://host/", "https://other/"), Netrc::named_entry);
  EXPECT_EQ(netrc("http://host/", "https://host/"), Netrc::named_entry);
  EXPECT_EQ(netrc("http://host/", "http://other/"), Netrc::unused) << "a password in clear";
  EXPECT_EQ(netrc("https://host/", "https://host:8443/"), Netrc::unused) << "another's port";
  EXPECT_EQ(must(redirected({.url = "http://host/"}, "https://other/")).netrc, Netrc::unused);
}

TEST(Redirect, FromHttpsToHttpIsRefused) {
  for (const char* to : {"http://host/b", "http://other/b", "http://127.0.0.1/"})
    EXPECT_THAT(redirected({.url = "https://host/a"}, to),
                IsError(Errc::permission_denied, "isn't encrypted"))
        << to;
}

TEST(Redirect, ToAnotherProtocolIsRefused) {
  for (const char* to : {"file:///etc/passwd", "ftp://host/", "gopher://host/", "http://a b/"})
    EXPECT_THAT(redirected({.url = "http://host/a"}, to),
                IsError(Errc::invalid_argument, "isn't an http URL"))
        << to;
  EXPECT_THAT(redirected({.url = "http://host/a"}, ""),
              IsError(Errc::invalid_argument, "without a target"));
}

TEST(Redirect, ALocationMayBeRelativeAndUnescaped) {
  for (const auto& [location, url] :
       std::map<std::string, std::string>{{"/b c/\xc3\xbc?x", "http://host/b%20c/%C3%BC?x"},
                                          {"d", "http://host/a/d"},
                                          {"//other/e", "http://other/e"},
                                          {"?q", "http://host/a/b?q"}})
    EXPECT_EQ(must(redirected({.url = "http://host/a/b"}, location)).url, url) << location;
}

TEST(Redirect, OnlyReadingFollowsIt) {
  const auto follows = [](const char* method, Destination destination) {
    return follows_redirects(
        {.method = method, .destination = destination, .follow_redirects = true});
  };
  EXPECT_TRUE(follows("GET", Destination::network));
  EXPECT_TRUE(follows("HEAD", Destination::network));
  EXPECT_FALSE(follows("PUT", Destination::network));
  EXPECT_FALSE(follows("DELETE", Destination::network));
  EXPECT_FALSE(follows("GET", Destination::metadata));
  EXPECT_FALSE(follows_redirects({}));
}

TEST(Redirect, RecognizesFiveStatuses) {
  for (const int status : {301, 302, 303, 307, 308}) EXPECT_TRUE(is_redirect(status)) << status;
  for (const int status : {200, 300, 304, 400}) EXPECT_FALSE(is_redirect(status)) << status;
}

}  // namespace
}  // namespace rtenv::remote
