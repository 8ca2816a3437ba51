#include "remote/file_store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::remote {
namespace {

class FileStoreTest : public testing::Test {
 protected:
  [[nodiscard]] Uri uri(const std::string& path) const {
    return must(Uri::parse("file://" + (tree_ / path).native()));
  }
  // The names below the tree's root.
  std::vector<std::string> list(const std::string& prefix) {
    std::vector<std::string> names;
    must(store_->list(uri(prefix), [&](const ListedObject& object) -> Result<void> {
      names.push_back(object.uri.path.substr(tree_.root().native().size() + 1));
      return {};
    }));
    return names;
  }
  TreeBuilder tree_;
  std::unique_ptr<ObjectStore> store_ = must(open_file_store(nullptr));
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(FileStoreTest, ListsInTheOrderOfTheWholeNames) {
  tree_.file("a/b", "").file("a.b", "").file("a/c/d", "").file("a0", "").file("b", "");
  tree_.file("a-", "").link("link", "b").link("folder", "a").link("lost", "nowhere");
  EXPECT_THAT(list("a"), ElementsAre("a-", "a.b", "a/b", "a/c/d", "a0"));
  EXPECT_THAT(list("a/"), ElementsAre("a/b", "a/c/d"));
  EXPECT_THAT(list("a/c"), ElementsAre("a/c/d"));
  EXPECT_THAT(list("l"), ElementsAre("link")) << "a link to a file is one, to a folder isn't";
  EXPECT_THAT(list("nowhere/"), IsEmpty());
}

TEST_F(FileStoreTest, WhatCannotBeListedIsAnError) {
  tree_.file("f/a", "").link("f/loop", "loop").link("f/below", "a/b");
  ASSERT_EQ(::chmod((tree_ / "f/a").c_str(), 0), 0);
  EXPECT_THAT(list("f/"), ElementsAre("f/a")) << "though it can't be read";
  tree_.link("f/long", std::string(300, 'x'));
  EXPECT_THAT(store_->list(uri("f/"), [](const ListedObject&) { return Result<void>(); }),
              IsError(Errc::invalid_argument, "/f/long"));
  if (::geteuid() == 0) return;  // root may enter every folder
  tree_.file("g/h/a", "");
  ASSERT_EQ(::chmod((tree_ / "g").c_str(), 0600), 0);
  const auto listed = store_->list(uri("g/"), [](const ListedObject&) { return Result<void>(); });
  ASSERT_EQ(::chmod((tree_ / "g").c_str(), 0700), 0);
  EXPECT_THAT(listed, IsError(Errc::permission_denied, "/g/h"));
}

TEST_F(FileStoreTest, UploadsAsOutputsAreWritten) {
  const auto upload = [&](const std::string& path) -> Result<void> {
    RTENV_TRY(const auto opened, store_->upload(uri(path), std::nullopt));
    RTENV_TRY(opened->write(std::as_bytes(std::span(path))));
    return opened->finish();
  };
  ASSERT_EQ(::mkfifo((tree_ / "pipe").c_str(), 0600), 0);
  const Fd reader(::open((tree_ / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  EXPECT_THAT(upload("pipe"), IsOk());
  EXPECT_TRUE(std::filesystem::is_fifo(tree_ / "pipe"));
  std::array<char, 8> text{};
  EXPECT_EQ(::read(reader.get(), text.data(), text.size()), 4);
  tree_.file("target", "old").link("link", "target");
  EXPECT_THAT(upload("link"), IsOk());
  EXPECT_TRUE(std::filesystem::is_symlink(tree_ / "link"));
  EXPECT_EQ(must(read_file(tree_ / "target")), "link");
  EXPECT_THAT(upload("new/folder/file"), IsOk());
  EXPECT_EQ(must(read_file(tree_ / "new/folder/file")), "new/folder/file");
}

TEST_F(FileStoreTest, ListingCanBeStopped) {
  for (int i = 0; i < 10; ++i) tree_.file(fmt::format("f/{}", i), "");
  int entries = 0;
  EXPECT_THAT(store_->list(uri("f/"),
                           [&](const ListedObject&) -> Result<void> {
                             if (++entries == 3) return fail(Errc::cancelled, "enough");
                             return {};
                           }),
              IsError(Errc::cancelled, "enough"));
  EXPECT_EQ(entries, 3);
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(must(open_file_store(&cancellation))
                  ->list(uri("f/"), [](const ListedObject&) { return Result<void>(); }),
              IsError(Errc::cancelled, "listing"));
}

TEST_F(FileStoreTest, AnErrorOfTheFileSystemHasItsCode) {
  tree_.file("file", "").directory("folder").link("loop", "loop");
  struct Row {
    std::string path;
    Errc code;
    const char* reason;
  };
  for (const Row& row : {Row{"missing", Errc::not_found, "No such file"},
                         Row{"folder", Errc::invalid_argument, "is a folder, not a file"},
                         Row{"file/below", Errc::invalid_argument, "Not a directory"},
                         Row{"loop", Errc::invalid_argument, "symbolic links"},
                         Row{std::string(300, 'x'), Errc::invalid_argument, "name too long"}})
    EXPECT_THAT(store_->stat(uri(row.path)), IsError(row.code, row.reason)) << row.path;
}

}  // namespace
}  // namespace rtenv::remote
