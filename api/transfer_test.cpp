#include "rtenv/transfer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <stdexcept>

#include "base/fd.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

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
  DownloadOptions options;
  options.on_progress = [&](const Progress& progress) { done = progress.done_bytes; };
  const Downloaded downloaded = must(download(uri("big.bin"), tree_ / "copy", options));
  EXPECT_EQ(downloaded.size_bytes, 4U << 20U);
  EXPECT_EQ(done, 4U << 20U);
  EXPECT_EQ(content_of(tree_ / "copy"), content_of(tree_ / "big.bin"));
}

TEST_F(TransferApi, AnExceptionOfTheCallersFunctionsIsAnErrorAndLeavesNothing) {
  DownloadOptions options;
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

TEST_F(TransferApi, ReadsAndWritesDescriptorsThatStayOpen) {
  tree_.directory("bucket");
  const auto open = [&](const char* name, int flags) {
    return Fd(::open((tree_ / name).c_str(), flags | O_CLOEXEC, 0600));
  };
  const Fd source = open("big.bin", O_RDONLY);
  const Pushed pushed = must(push_from_descriptor(source.get(), uri("bucket") + "/object"));
  EXPECT_EQ(pushed.size_bytes, 4U << 20U);
  const Fd target = open("copy", O_RDWR | O_CREAT);
  EXPECT_EQ(must(download_to_descriptor(pushed.uri, target.get())).size_bytes, 4U << 20U);
  EXPECT_EQ(::lseek(target.get(), 0, SEEK_CUR), 4 << 20);
  EXPECT_EQ(content_of(tree_ / "copy"), content_of(tree_ / "big.bin"));

  const Fd only_written = open("written", O_WRONLY | O_CREAT);
  EXPECT_THAT(push_from_descriptor(only_written.get(), pushed.uri),
              IsError(Errc::invalid_argument, "isn't open for reading"));
  EXPECT_THAT(push_from_descriptor(9999, pushed.uri), IsError(Errc::invalid_argument, "9999"));
  EXPECT_THAT(download_to_descriptor(pushed.uri, 9999), IsError(Errc::invalid_argument, "9999"));
}

TEST_F(TransferApi, ListsTheObjectsOfAStore) {
  tree_.file("bucket/a/one", "1").file("bucket/two", "22").file("other", "");
  std::vector<std::string> names;
  const auto add = [&](const StoredObject& object) -> Result<void> {
    names.push_back(object.uri.substr(object.uri.find("bucket/")));
    EXPECT_GT(object.modified_ms.value_or(0), 0);
    return {};
  };
  EXPECT_TRUE(list_objects(uri("bucket") + "/", add));
  EXPECT_THAT(names, UnorderedElementsAre("bucket/a/one", "bucket/two"));
  const auto fail = [](const StoredObject&) -> Result<void> { throw 7; };
  EXPECT_THAT(list_objects(uri("bucket") + "/", fail),
              IsError(Errc::invalid_argument, "on_object"));
  EXPECT_THAT(list_objects(uri("bucket"), {}), IsError(Errc::invalid_argument));
}

TEST_F(TransferApi, TakesWhatAUriPinsFromTheGivenCache) {
  const std::string pinned =
      uri("big.bin") + "#sha256=" + must(download(uri("big.bin"), tree_ / "copy")).sha256;
  (void)must(fetch_file(pinned, cache_));
  std::filesystem::remove(tree_ / "big.bin");
  EXPECT_THAT(download(pinned, tree_ / "again"), IsError(Errc::not_found));
  DownloadOptions options;
  options.cache = cache_;
  EXPECT_EQ(must(download(pinned, tree_ / "again", options)).size_bytes, 4U << 20U);
}

TEST_F(TransferApi, OptionsThatDoNotApplyAreAnError) {
  PushOptions options;
  options.git_revision = "HEAD";
  EXPECT_THAT(push(tree_ / "big.bin", uri("copy"), options), IsError(Errc::invalid_argument));
  DownloadOptions offline;
  offline.offline = true;
  EXPECT_THAT(download(uri("big.bin"), tree_ / "copy", offline), IsError(Errc::invalid_argument));
  EXPECT_THAT(fetch_file("nonsense", cache_), IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv
