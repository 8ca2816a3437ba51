#include "remote/url.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

std::string origin(const std::string& text) {
  const Origin found = must(Url::parse(text)).origin;
  return found.scheme + " " + found.host + " " + found.port;
}

TEST(Url, HasOneOriginHoweverItIsWritten) {
  EXPECT_EQ(origin("http://host"), "http host 80");
  EXPECT_EQ(origin("HTTPS://HOST:443/x"), "https host 443");
  EXPECT_EQ(origin("http://localhost:80@127.0.0.2:9106/"), "http 127.0.0.2 9106");
  EXPECT_EQ(origin("http://2852039166/x"), "http 169.254.169.254 80");
  EXPECT_EQ(origin("http://%31%36%39.254.169.254/"), "http 169.254.169.254 80");
  EXPECT_EQ(origin("http://[::1]:8265/x"), "http [::1] 8265");
  EXPECT_EQ(origin("http://host?@other/"), "http host 80");
  EXPECT_EQ(origin("http://host#@other/"), "http host 80");
}

TEST(Url, TextIsWhatWasParsed) {
  for (const char* text : {"https://user:p%40w@host:8443/a/../b%2F?q=1&sig=%3D", "http://host/",
                           "https://[::1]:81/x?y", "http://[fe80::1%25eth0]/"})
    EXPECT_EQ(must(Url::parse(text)).text(), text);
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* text : {"", "host", "ftp://host/", "file:///x", "http://a b/", "http://a@b@c/",
                           "http://host:99999/", "http://:80/"})
    EXPECT_THAT(Url::parse(text), IsError(Errc::invalid_argument, "isn't an http or https URL"));
  EXPECT_THAT(Url::parse(std::string("http://a\0.example/", 18)),
              IsError(Errc::invalid_argument, "isn't an http"));
  const auto secret = Url::parse("https://me:hunter2@a b/?sig=hunter2");
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().message().find("hunter2"), std::string::npos);
}

TEST(Url, AnEndpointHasNoLoginAndNoSlashAtTheEnd) {
  EXPECT_EQ(must(Url::parse_endpoint("http://127.0.0.1:10000/account/")).text(),
            "http://127.0.0.1:10000/account");
  EXPECT_EQ(must(Url::parse_endpoint("https://host/#/")).text(), "https://host");
  for (const char* text : {"http://user@host", "http://localhost:80@evil/", "http://host?x"})
    EXPECT_THAT(Url::parse_endpoint(text), IsError(Errc::invalid_argument, "endpoint"));
}

TEST(Url, ALinkKeepsUserInfoWithinTheOrigin) {
  const Url page = must(Url::parse("https://user:key@host:8443/a/b/"));
  EXPECT_EQ(must(page.resolve("../c?d")).text(), "https://user:key@host:8443/a/c?d");
  EXPECT_EQ(must(page.resolve("https://HOST:8443/c")).text(), "https://user:key@host:8443/c");
  EXPECT_EQ(must(page.resolve("https://other@host:8443/c")).text(), "https://other@host:8443/c");
  for (const char* other : {"http://host:8443/c", "https://host/c", "https://host.evil.example/c"})
    EXPECT_EQ(must(page.resolve(other)).text(), other);
  EXPECT_THAT(page.resolve("ftp://host/c"), IsError(Errc::invalid_argument, "ftp://host/c"));
}

}  // namespace
}  // namespace rtenv::remote
