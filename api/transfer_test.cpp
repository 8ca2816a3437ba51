#include "rtenv/transfer.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class TransferApi : public testing::Test {
 protected:
  TransferApi() { tree_.file("big.bin", std::string(4 << 20, 'x')); }
  [[nodiscard]] std::string uri(const std::string& name) const {
    return "file://" + (tree_ / name).native();
  }

  TreeBuilder tree_;
  Cache cache_ = must(Cache::open(tree_ / "cache"));
};

TEST_F(TransferApi, DownloadsBesideTheCacheAndReportsProgress) {
  std::uint64_t done = 0;
  FetchOptions options;
  options.on_progress = [&](const Progress& progress) { done = progress.done_bytes; };
  const Downloaded downloaded = must(download(uri("big.bin"), tree_ / "copy", options));
  EXPECT_EQ(downloaded.size_bytes, 4U << 20U);
  EXPECT_EQ(done, 4U << 20U);
  EXPECT_EQ(content_of(tree_ / "copy"), content_of(tree_ / "big.bin"));
}

TEST_F(TransferApi, AnExceptionOfTheCallersFunctionsIsAnErrorAndLeavesNothing) {
  FetchOptions options;
  options.on_progress = [](const Progress&) { throw std::runtime_error("the window is closed"); };
  const auto downloaded = download(uri("big.bin"), tree_ / "copy", options);
  EXPECT_THAT(downloaded, IsError(Errc::invalid_argument, "on_progress threw"));
  EXPECT_THAT(downloaded.error().message(), EndsWith("the window is closed"));
  EXPECT_FALSE(std::filesystem::exists(tree_ / "copy"));

  options = {};
  options.credentials = [](std::string_view) -> Result<Variables> { throw 7; };
  EXPECT_THAT(fetch_file("s3://bucket/key", cache_, options),
              IsError(Errc::invalid_argument, "credentials threw"));
  options.credentials = [](std::string_view uri) -> Result<Variables> {
    return Error(Errc::permission_denied, "nothing for " + std::string(uri));
  };
  EXPECT_THAT(fetch_file("s3://bucket/key", cache_, options),
              IsError(Errc::permission_denied, "nothing for s3://bucket/key"));
}

TEST_F(TransferApi, PushesADirectoryUnderItsOwnNameAndFetchesItAsATree) {
  tree_.file("job/main.py", "print(1)\n").directory("bucket");
  const Pushed pushed = must(push(tree_ / "job", uri("bucket") + "/"));
  EXPECT_TRUE(pushed.uploaded);
  EXPECT_THAT(pushed.uri, EndsWith("/bucket/" + pushed.package.name));
  EXPECT_EQ(pushed.package.name, must(name_directory(tree_ / "job")).name);
  const Fetched fetched = must(fetch_tree(pushed.uri, cache_));
  EXPECT_EQ(content_of(fetched.path / "main.py"), "print(1)\n");
}

TEST_F(TransferApi, OptionsThatDoNotApplyAreAnError) {
  PackOptions options;
  options.git_revision = "HEAD";
  EXPECT_THAT(push(tree_ / "big.bin", uri("copy"), options), IsError(Errc::invalid_argument));
  FetchOptions offline;
  offline.offline = true;
  EXPECT_THAT(download(uri("big.bin"), tree_ / "copy", offline), IsError(Errc::invalid_argument));
  EXPECT_THAT(fetch_file("nonsense", cache_), IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv
