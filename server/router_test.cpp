#include "server/router.hpp"

#include <gmock/gmock.h>

namespace rtenv::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

const std::vector<Route> k_routes{
    {.method = "GET", .pattern = "/jobs/"},
    {.method = "POST", .pattern = "/jobs/"},
    {.method = "GET", .pattern = "/jobs/status", .query_parameter = "job_id"},
    {.method = "GET", .pattern = "/jobs/{id}"},
    {.method = "DELETE", .pattern = "/jobs/{id}"},
};

Found find(std::string method, const char* target) {
  Request request{.method = std::move(method)};
  request.set_target(target);
  return find_route(k_routes, request);
}

TEST(RouterTest, MatchReturnsTheParameters) {
  EXPECT_THAT(match("/jobs/{id}/logs", "/jobs/a/logs"), Optional(ElementsAre("a")));
  EXPECT_THAT(match("/p/{protocol}/{name}", "/p/gcs/x.zip"), Optional(ElementsAre("gcs", "x.zip")));
  EXPECT_THAT(match("/version", "/version"), Optional(IsEmpty()));
  EXPECT_EQ(match("/jobs/{id}", "/jobs/"), std::nullopt);
}

TEST(RouterTest, PatternsMatchOnlyWholePaths) {
  for (const char* path : {"", "/", "/jobs", "/jobs/", "/jobs/a", "/jobs/a/logs/", "/jobs/a/log",
                           "/jobs/a/logs/tail", "x/jobs/a/logs"})
    EXPECT_EQ(match("/jobs/{id}/logs", path), std::nullopt) << path;
  EXPECT_EQ(match("/jobs/", "/jobs"), std::nullopt);
}

TEST(RouterTest, HeadUsesTheRouteOfGet) {
  ASSERT_TRUE(find("HEAD", "/jobs/a").route);
  EXPECT_EQ(find("HEAD", "/jobs/a").route->method, "GET");
  EXPECT_FALSE(find("get", "/jobs/a").route);
}

TEST(RouterTest, ListsTheAllowedMethods) {
  EXPECT_FALSE(find("PUT", "/jobs/").route);
  EXPECT_EQ(find("PUT", "/jobs/").allowed_methods, "GET, POST");
  EXPECT_EQ(find("PUT", "/jobs/a").allowed_methods, "GET, DELETE");
  EXPECT_EQ(find("PUT", "/none").allowed_methods, "");
}

TEST(RouterTest, QueryParameterSelectsOnlyItsRoute) {
  EXPECT_EQ(find("GET", "/jobs/status?job_id=a").route, &k_routes[2]);
  EXPECT_EQ(find("GET", "/jobs/status").route, &k_routes[3]);
  EXPECT_EQ(find("DELETE", "/jobs/status").route, &k_routes[4]);
  const Found refused = find("DELETE", "/jobs/status?job_id=a");
  EXPECT_FALSE(refused.route) << "must not delete the job with the id 'status'";
  EXPECT_EQ(refused.allowed_methods, "GET");
}

TEST(RouterTest, RedirectsToThePathWithASlash) {
  EXPECT_EQ(find("GET", "/jobs?limit=1").redirect, "/jobs/");
  EXPECT_EQ(find("GET", "/job").redirect, "");
  EXPECT_EQ(find("GET", "").redirect, "");
}

}  // namespace
}  // namespace rtenv::server
