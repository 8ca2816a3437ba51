#include "remote/redirect.hpp"

#include <gtest/gtest.h>

namespace rtenv::remote {
namespace {

HttpRequest redirected(std::string from, std::string to) {
  HttpRequest request{.url = std::move(from), .bearer = "token"};
  follow_redirect(request, std::move(to));
  return request;
}

TEST(Redirect, KeepsCredentialsWithinAnOrigin) {
  const auto request = redirected("https://user:key@host:8443/a", "https://host:8443/b?c");
  EXPECT_EQ(request.url, "https://user:key@host:8443/b?c");
  EXPECT_EQ(request.bearer, "token");
}

TEST(Redirect, PrefersTheUserInfoOfTheNewUrl) {
  EXPECT_EQ(redirected("https://a@host/x", "https://b@host/y").url, "https://b@host/y");
}

TEST(Redirect, DropsCredentialsForAnotherOrigin) {
  for (const char* other : {"http://host/b", "https://host:444/b", "https://evil.example/b",
                            "https://host.evil.example/b", "https://evil.example/@host/"}) {
    const auto request = redirected("https://user:key@host/a", other);
    EXPECT_EQ(request.url, other);
    EXPECT_EQ(request.bearer, "") << other;
  }
}

TEST(Redirect, RecognizesFiveStatuses) {
  for (const int status : {301, 302, 303, 307, 308}) EXPECT_TRUE(is_redirect(status)) << status;
  for (const int status : {200, 300, 304, 400}) EXPECT_FALSE(is_redirect(status)) << status;
}

}  // namespace
}  // namespace rtenv::remote
