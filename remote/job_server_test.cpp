#include "remote/job_server.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

Environment with(const char* name, std::string value) {
  Environment environment;
  environment.set(name, std::move(value));
  return environment;
}

TEST(JobServer, AddressHasADefaultHostAndScheme) {
  EXPECT_EQ(must(find_job_server({})).address, "http://127.0.0.1:8265");
  EXPECT_EQ(must(find_job_server(with("RAY_ADDRESS", "host:1//"))).address, "http://host:1");
  EXPECT_EQ(must(find_job_server(with("RAY_API_SERVER_ADDRESS", "https://h/p/"))).address,
            "https://h/p");
  for (const char* bad : {"ray://h:10001", "http://h:99999", "http://h?x", "http://a b"}) {
    const auto server = find_job_server(with("RAY_ADDRESS", bad));
    ASSERT_THAT(server, IsError(Errc::invalid_argument, "isn't the address of a job server"));
    EXPECT_THAT(server.error().hint(), testing::HasSubstr("RAY_ADDRESS"));
  }
}

TEST(JobServer, TokenIsReadFromVariableOrFile) {
  TreeBuilder tree;
  tree.file("token", " t \n").file(".ray/auth_token", "home\n");
  EXPECT_EQ(must(find_job_server(with("RAY_AUTH_TOKEN", "v"))).token, "v");
  EXPECT_EQ(must(find_job_server(with("RAY_AUTH_TOKEN_PATH", (tree / "token").native()))).token,
            " t");
  EXPECT_EQ(must(find_job_server(with("HOME", tree.root().native()))).token, "home");
  EXPECT_THAT(find_job_server(with("RAY_AUTH_TOKEN_PATH", (tree / "none").native())),
              IsError(Errc::not_found, "RAY_AUTH_TOKEN_PATH"));
}

TEST(JobServer, ParsesHeadersFromAJsonObjectOfStrings) {
  EXPECT_EQ(must(find_job_server(with("RAY_JOB_HEADERS", R"({"A": "b"})"))).headers,
            std::vector<std::string>{"A: b"});
  for (const char* bad : {"A: b", "[]", R"({"A": 1})"})
    EXPECT_THAT(find_job_server(with("RAY_JOB_HEADERS", bad)),
                IsError(Errc::invalid_argument, "RAY_JOB_HEADERS"));
}

}  // namespace
}  // namespace rtenv::remote
