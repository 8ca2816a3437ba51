#include "remote/web_store.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "remote/download.hpp"
#include "remote/test_server.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

TEST(WebStore, ALengthOfZeroInTheResponseToHeadSaysNothing) {
  for (const char* const content : {"content", ""}) {
    const std::string get = TestServer::response("200 OK", content);
    TestServer server({TestServer::response("200 OK"), get, get, get});
    TreeBuilder tree;
    const auto store = must(open_web_store(Environment(), Access::anonymous, nullptr));
    const Uri uri = must(Uri::parse(server.url("/page")));
    const auto info = must(store->stat(uri));
    EXPECT_EQ(info.size_bytes, std::nullopt);
    must(download(*store, uri, info, tree / "page", {}));
    EXPECT_EQ(must(read_file(tree / "page")), content);
    EXPECT_EQ(server.stop().size(), 2U);
  }
}

}  // namespace
}  // namespace rtenv::remote
