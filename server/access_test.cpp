#include "server/access.hpp"

#include <gmock/gmock.h>

namespace rtenv::server {
namespace {

int status(const Access& access, std::map<std::string, std::string> headers) {
  headers.try_emplace("host", "127.0.0.1:8265");
  const auto refusal = access.refuse({.method = "DELETE", .headers = std::move(headers)});
  return refusal ? refusal->status : 0;
}

TEST(AccessTest, OnLoopbackAcceptsOnlyTheServersHostNames) {
  const Access access(std::nullopt, {"job.example"}, true);
  for (const char* host :
       {"localhost", "LOCALHOST:1", "127.0.0.1:8265", "[::1]:8265", "job.example:8265"})
    EXPECT_EQ(status(access, {{"host", host}}), 0) << host;
  for (const char* host : {"evil.example", "", "127.0.0.1.evil.example", "[::2]:1"})
    EXPECT_EQ(status(access, {{"host", host}}), 403) << host;
}

TEST(AccessTest, RefusesOtherOrigins) {
  const Access access(std::nullopt, {}, true);
  EXPECT_EQ(status(access, {{"origin", "http://127.0.0.1:8265"}}), 0);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9999"})
    EXPECT_EQ(status(access, {{"origin", origin}}), 403) << origin;
  EXPECT_EQ(status(access, {{"sec-fetch-site", "same-origin"}}), 0);
  EXPECT_EQ(status(access, {{"sec-fetch-site", "none"}}), 0);
  EXPECT_EQ(status(access, {{"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(status(access, {{"sec-fetch-site", "same-site"}}), 403);
}

TEST(AccessTest, AcceptsTheTokenInEachOfRaysHeaders) {
  const Access access("secret", {}, true);
  EXPECT_EQ(status(access, {{"authorization", "Bearer secret"}}), 0);
  EXPECT_EQ(status(access, {{"authorization", "bearer secret"}}), 0);
  EXPECT_EQ(status(access, {{"x-ray-authorization", "Bearer secret"}}), 0);
  EXPECT_EQ(status(access, {{"cookie", "a=b; ray-authentication-token=secret; c=d"}}), 0);
  EXPECT_EQ(status(access, {}), 401);
  EXPECT_EQ(status(access, {{"authorization", "Basic secret"}}), 401);
  EXPECT_EQ(status(access, {{"authorization", "Bearer secret2"}}), 403);
  EXPECT_EQ(status(access, {{"cookie", "ray-authentication-token="}}), 403);
}

TEST(AccessTest, OffLoopbackAcceptsAnyHostNameUnlessSomeAreGiven) {
  EXPECT_EQ(status(Access("t", {}, false), {{"host", "any"}, {"authorization", "Bearer t"}}), 0);
  EXPECT_EQ(status(Access("t", {"one"}, false), {{"host", "other"}, {"authorization", "Bearer t"}}),
            403);
}

}  // namespace
}  // namespace rtenv::server
