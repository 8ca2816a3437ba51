#include "remote/azure_store.hpp"

#include <gtest/gtest.h>

#include "remote/store_fixture.hpp"

namespace rtenv::remote {
namespace {

Result<std::vector<std::string>> list(std::vector<std::string> responses) {
  TestServer server(std::move(responses));
  Environment environment;
  environment.set("AZURE_STORAGE_ACCOUNT", "account");
  environment.set("AZURE_STORAGE_SERVICE_ENDPOINT", server.url(""));
  environment.set("RTENV_NETWORK_TIMEOUT", "1");
  constexpr std::string_view k_prefix = "azure://box/";
  const auto store = must(open_azure_store(must(Uri::parse(k_prefix)), std::move(environment),
                                           Access::anonymous, nullptr));
  return listed_paths(*store, k_prefix);
}

std::string page(std::string_view blobs) {
  return TestServer::response(
      "200 OK", fmt::format("<?xml version=\"1.0\"?><EnumerationResults><Blobs>{}</Blobs>"
                            "<NextMarker/></EnumerationResults>",
                            blobs));
}

TEST(AzureStoreList, IsWhole) {
  const std::string_view blob =
      "<Blob><Name>a</Name><Properties><Content-Length>5</Content-Length></Properties></Blob>";
  EXPECT_THAT(must(list({page(blob)})), testing::ElementsAre("a"));
  const auto named = [](std::string_view name) {
    return page(fmt::format(
        "<Blob>{}<Properties><Content-Length>5</Content-Length></Properties></Blob>", name));
  };
  EXPECT_THAT(must(list({named("<Name>a<!-- x -->b<![CDATA[c]]></Name>")})),
              testing::ElementsAre("abc"));
  EXPECT_THAT(must(list({named("<Name Encoded=\" true \">a%41</Name>")})),
              testing::ElementsAre("aA"));
  const std::string cut = TestServer::response(
      "200 OK", fmt::format("<EnumerationResults><Blobs>{}<Blob><Name>b", blob));
  EXPECT_THAT(must(list({cut, page(blob)})), testing::ElementsAre("a")) << "asked again";
  EXPECT_THAT(list(std::vector(20, cut)), IsError(Errc::unavailable, "was cut off"));
  for (const std::string& other :
       {named("<Name>a<b/></Name>"), named("<Name Encoded=\"x\">a</Name>"),
        page("<Blob><Name>a</Name></Blob>"), TestServer::response("200 OK", "<html/>"),
        page("<Blob><Properties><Content-Length>5</Content-Length></Properties></Blob>")})
    EXPECT_THAT(list({other}),
                IsError(Errc::invalid_argument, "azure://box/: the response isn't a"))
        << other;
}

}  // namespace
}  // namespace rtenv::remote
