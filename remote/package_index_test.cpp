#include "remote/package_index.hpp"

#include <gtest/gtest.h>

#include "remote/test_server.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

TEST(PackageIndex, ReadsTheUrlFromTheVariablesOfPipAndUv) {
  Environment environment;
  EXPECT_TRUE(package_index_url(environment).starts_with("https://")) << "the built-in default";
  environment.set("PIP_INDEX_URL", "https://pip/simple");
  EXPECT_EQ(package_index_url(environment), "https://pip/simple");
  environment.set("UV_DEFAULT_INDEX", "name=https://uv/simple?a=b");
  EXPECT_EQ(package_index_url(environment), "https://uv/simple?a=b");
}

TEST(PackageIndex, ResolvesTheLinkToAFile) {
  const auto page = TestServer::response(
      "200 OK", R"(<a href="../../p/x-1.whl">x</a> <a href='/f/x-2.whl?a&amp;b#sha256=0'>x</a>)");
  TestServer server({page, page});
  HttpClient client{Environment()};
  EXPECT_EQ(must(find_package_file(server.url("/simple/"), "x", "x-2.whl", client)),
            server.url("/f/x-2.whl?a&b"));
  EXPECT_THAT(find_package_file(server.url("/simple"), "x", "x-3.whl", client),
              IsError(Errc::not_found, "x-3.whl"));
  for (const auto& request : server.stop())
    EXPECT_TRUE(request.head.starts_with("get /simple/x/ "));
}

}  // namespace
}  // namespace rtenv::remote
