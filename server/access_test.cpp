#include "server/access.hpp"

#include <gmock/gmock.h>

#include "server/token_authenticator.hpp"

namespace rtenv::server {
namespace {

constexpr uid_t k_owner = 1000;
const Peer k_own{.address = "127.0.0.1", .uid = k_owner};
const Peer k_other{.address = "127.0.0.1", .uid = 1001};
const Peer k_unknown{.address = "10.0.0.1", .uid = std::nullopt};

using Headers = std::map<std::string, std::string>;

std::variant<Caller, Response> ask(const Access& access, const Peer& peer, Headers headers = {},
                                   std::string method = "DELETE") {
  headers.try_emplace("host", "127.0.0.1:8265");
  return access.admit({.method = std::move(method), .headers = std::move(headers)}, peer);
}
// 0: admitted.
int status(const Access& access, const Peer& peer, Headers headers = {}) {
  const auto answer = ask(access, peer, std::move(headers));
  const auto* const refusal = std::get_if<Response>(&answer);
  return refusal != nullptr ? refusal->status : 0;
}
std::string name(const Access& access, const Peer& peer, Headers headers = {}) {
  return std::get<Caller>(ask(access, peer, std::move(headers))).name;
}

Access access_of(TokenAuthenticator::Settings settings, std::vector<std::string> hosts = {}) {
  return {std::make_shared<TokenAuthenticator>(std::move(settings)), std::move(hosts)};
}
Access with_tokens() {
  return access_of(
      {.tokens = {{.secret = "secret", .caller = {.name = "ci"}},
                  {.secret = "look", .caller = {.name = "board", .right = Right::read}}},
       .owner = k_owner});
}

TEST(AccessTest, KnowsTheServersHostNames) {
  const Access access = access_of({.owner = k_owner}, {"job.example"});
  for (const char* host : {"localhost", "LOCALHOST:1", "127.0.0.1:8265", "[::1]:8265",
                           "job.example:8265", "10.1.2.3", "[fe80::1]:1"})
    EXPECT_EQ(status(access, k_own, {{"host", host}}), 0) << host;
  for (const char* host : {"evil.example", "", "127.0.0.1.evil.example", "[evil]:1", "1.2.3"})
    EXPECT_EQ(status(access, k_own, {{"host", host}}), 403) << host;
}

TEST(AccessTest, TheHostIsCheckedWhoeverMayDoEverything) {
  EXPECT_EQ(status(access_of({.open = true}), k_unknown, {{"host", "evil.example"}}), 403);
  EXPECT_EQ(
      status(with_tokens(), k_own, {{"host", "evil.example"}, {"authorization", "Bearer secret"}}),
      403);
}

TEST(AccessTest, RefusesOtherOrigins) {
  const Access access = access_of({.owner = k_owner});
  EXPECT_EQ(status(access, k_own, {{"origin", "http://127.0.0.1:8265"}}), 0);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:9999"})
    EXPECT_EQ(status(access, k_own, {{"origin", origin}}), 403) << origin;
  EXPECT_EQ(status(access, k_own, {{"sec-fetch-site", "same-origin"}}), 0);
  EXPECT_EQ(status(access, k_own, {{"sec-fetch-site", "none"}}), 0);
  EXPECT_EQ(status(access, k_own, {{"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(status(access, k_own, {{"sec-fetch-site", "same-site"}}), 403);
}

TEST(AccessTest, WithoutTokensTheServersUserAndRootAreAdmitted) {
  const Access access = access_of({.owner = k_owner});
  EXPECT_EQ(name(access, k_own), "uid:1000");
  EXPECT_EQ(name(access, {.address = "unix", .uid = 0}), "uid:0");
  EXPECT_EQ(status(access, k_other), 403);
  EXPECT_EQ(status(access, k_unknown), 403);
  EXPECT_EQ(status(access, k_other, {{"authorization", "Bearer any"}}), 403);
}

TEST(AccessTest, ARequestThatWasForwardedIsNobodys) {
  for (const char* header : {"forwarded", "x-forwarded-for", "via", "x-real-ip"}) {
    EXPECT_EQ(status(access_of({.owner = k_owner}), k_own, {{header, "a"}}), 403) << header;
    EXPECT_EQ(status(with_tokens(), k_own, {{header, "a"}}), 401) << header;
  }
  EXPECT_EQ(name(with_tokens(), k_own, {{"via", "a"}, {"authorization", "Bearer secret"}}), "ci");
}

TEST(AccessTest, AcceptsTheTokenInEachOfRaysHeaders) {
  const Access access = with_tokens();
  EXPECT_EQ(name(access, k_other, {{"authorization", "Bearer secret"}}), "ci");
  EXPECT_EQ(name(access, k_other, {{"authorization", "bearer secret"}}), "ci");
  EXPECT_EQ(name(access, k_other, {{"x-ray-authorization", "Bearer secret"}}), "ci");
  EXPECT_EQ(name(access, k_other, {{"cookie", "a=b; ray-authentication-token=secret; c=d"}}), "ci");
  EXPECT_EQ(status(access, k_other), 401);
  EXPECT_EQ(status(access, k_other, {{"authorization", "Basic secret"}}), 401);
  EXPECT_EQ(status(access, k_other, {{"authorization", "Bearer secret2"}}), 403);
  EXPECT_EQ(status(access, k_other, {{"cookie", "ray-authentication-token="}}), 403);
}

TEST(AccessTest, WithTokensTheServersUserNeedsNoneButAWrongOneIsRefused) {
  EXPECT_EQ(name(with_tokens(), k_own), "uid:1000");
  EXPECT_EQ(status(with_tokens(), k_own, {{"authorization", "Bearer wrong"}}), 403);
}

TEST(AccessTest, ATokenMayOnlyRead) {
  const Headers look{{"authorization", "Bearer look"}};
  EXPECT_EQ(status(with_tokens(), k_other, look), 403);
  for (const char* method : {"GET", "HEAD"}) {
    const auto answer = ask(with_tokens(), k_other, look, method);
    ASSERT_TRUE(std::holds_alternative<Caller>(answer)) << method;
    EXPECT_EQ(std::get<Caller>(answer).right, Right::read);
  }
}

TEST(AccessTest, AnOpenServerAdmitsAnybodyUnlessItHasTokens) {
  EXPECT_EQ(name(access_of({.open = true}), k_unknown), "anybody");
  EXPECT_EQ(status(access_of({.tokens = {{.secret = "s", .caller = {.name = "n"}}}, .open = true}),
                   k_unknown),
            401);
}

// As a program that the server is part of may bring it.
class OwnAuthenticator final : public Authenticator {
 public:
  using Answer = std::function<std::variant<Caller, Refusal>(const Credentials&)>;
  explicit OwnAuthenticator(Answer answer) : answer_(std::move(answer)) {}
  std::variant<Caller, Refusal> authenticate(const Credentials& credentials) override {
    return answer_(credentials);
  }

 private:
  Answer answer_;
};
Access with(OwnAuthenticator::Answer answer) {
  return {std::make_shared<OwnAuthenticator>(std::move(answer)), {}};
}

TEST(AccessTest, AnAuthenticatorIsToldWhatIsKnownOfTheRequest) {
  const Access access = with([](const Credentials& given) {
    return Caller{.name = fmt::format("{} {} {} {} {} {}", given.method, given.path, given.address,
                                      given.uid ? static_cast<int>(*given.uid) : -1,
                                      given.token.value_or("none"), given.was_forwarded)};
  });
  const auto name_of = [&](const Peer& peer, Headers headers) {
    headers.try_emplace("host", "localhost");
    return std::get<Caller>(
               access.admit({.method = "GET", .path = "/a", .headers = std::move(headers)}, peer))
        .name;
  };
  EXPECT_EQ(name_of(k_own, {}), "GET /a 127.0.0.1 1000 none false");
  EXPECT_EQ(name_of(k_unknown, {{"authorization", "Bearer t"}}), "GET /a 10.0.0.1 -1 t false");
  EXPECT_EQ(name_of(k_own, {{"via", "a"}}), "GET /a 127.0.0.1 -1 none true") << "a proxy's user";
}

TEST(AccessTest, AnAuthenticatorRefuses) {
  const auto refusal = [](Refusal::Reason reason) {
    const Access access =
        with([=](const Credentials&) { return Refusal{.reason = reason, .message = "why"}; });
    return std::get<Response>(ask(access, k_own));
  };
  EXPECT_EQ(refusal(Refusal::Reason::forbidden).status, 403);
  EXPECT_EQ(refusal(Refusal::Reason::forbidden).body, "why");
  EXPECT_EQ(refusal(Refusal::Reason::unknown).status, 401);
  EXPECT_THAT(refusal(Refusal::Reason::unknown).headers,
              testing::Contains(testing::Pair("WWW-Authenticate", "Bearer")));
}

TEST(AccessTest, WhatAnAuthenticatorThrowsRefusesTheRequest) {
  const Access access = with([](const Credentials&) -> std::variant<Caller, Refusal> {
    throw std::runtime_error("the secret is xyzzy");
  });
  const auto response = std::get<Response>(ask(access, k_own));
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, testing::Not(testing::HasSubstr("xyzzy")));
  const Access other = with([](const Credentials&) -> std::variant<Caller, Refusal> { throw 1; });
  EXPECT_EQ(status(other, k_own), 500);
}

TEST(AccessTest, AnAuthenticatorDoesNotReplaceTheOtherChecks) {
  const Access all = with([](const Credentials&) { return Caller{.name = "all"}; });
  EXPECT_EQ(status(all, k_own), 0);
  EXPECT_EQ(status(all, k_own, {{"host", "evil.example"}}), 403);
  EXPECT_EQ(status(all, k_own, {{"origin", "http://evil.example"}}), 403);
  EXPECT_EQ(status(all, k_own, {{"sec-fetch-site", "cross-site"}}), 403);
  const Access reader =
      with([](const Credentials&) { return Caller{.name = "reader", .right = Right::read}; });
  EXPECT_EQ(status(reader, k_own), 403) << "DELETE";
}

}  // namespace
}  // namespace rtenv::server
