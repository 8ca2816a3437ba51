#include "base/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/cancellation.hpp"
#include "support/in_fork.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

TEST(TempDir, IsPrivateAndRemovedWithItsContent) {
  TreeBuilder tree;
  Path path;
  {
    const TempDir folder = must(TempDir::create(tree.root()));
    path = folder.path();
    EXPECT_EQ(path.parent_path(), tree.root());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    must(make_directories(path / "a/b"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TempDir, IsKeptAfterRelease) {
  TreeBuilder tree;
  const Path path = must(TempDir::create(tree.root())).release();
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(TempDir, IsLeftAloneByAFork) {
  TreeBuilder tree;
  Cancellation cancellation = must(Cancellation::create());
  std::optional<TempDir> folder = must(TempDir::create(tree.root()));
  const Path left = must(TempDir::create(tree.root())).release();
  cancellation.leave(left);
  in_fork([&] {
    folder.reset();
    cancellation = must(Cancellation::create());
  });
  EXPECT_TRUE(std::filesystem::exists(folder->path()));
  EXPECT_TRUE(std::filesystem::exists(left));
}

TEST(TempDir, OfCancelledWorkIsRemovedByWhoCancelledIt) {
  TreeBuilder tree;
  Path path;
  {
    const Cancellation cancellation = must(Cancellation::create());
    {
      const TempDir folder = must(TempDir::create(tree.root(), &cancellation));
      path = folder.path();
      cancellation.request();
    }
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TempDir, IsTheWorksOwnUnlessThatIsCancelled) {
  TreeBuilder tree;
  const Cancellation cancellation = must(Cancellation::create());
  Path path = must(TempDir::create(tree.root(), &cancellation)).path();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_THAT(cancellation.take_left_folders(), testing::IsEmpty());
}

TEST(TempDir, IsRemovedFromWhereItWasMoved) {
  TreeBuilder tree;
  const Cancellation cancellation = must(Cancellation::create());
  tree.file("first/kept", "");
  {
    const TempDir folder = must(TempDir::create_unfinished(tree.root() / "first", &cancellation));
    must(make_directories(folder.path() / "a"));
    must(rename_path(tree.root() / "first", tree.root() / "second"));
  }
  using Entries = std::filesystem::directory_iterator;
  EXPECT_EQ(std::distance(Entries(tree.root() / "second"), Entries()), 1) << "the file is kept";
  Path left;
  {
    const TempDir folder = must(TempDir::create_unfinished(tree.root() / "second", &cancellation));
    left = tree.root() / "third" / folder.path().filename();
    must(rename_path(tree.root() / "second", tree.root() / "third"));
    cancellation.request();
  }
  EXPECT_THAT(cancellation.take_left_folders(), testing::ElementsAre(left));
}

TEST(TempDir, ReportsAMissingParent) {
  EXPECT_THAT(TempDir::create("/no/such/folder"), IsError(Errc::not_found, "/no/such/folder"));
}

}  // namespace
}  // namespace rtenv
