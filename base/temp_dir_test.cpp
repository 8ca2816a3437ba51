#include "base/temp_dir.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

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

TEST(TempDir, ReportsAMissingParent) {
  EXPECT_THAT(TempDir::create("/no/such/folder"), IsError(Errc::not_found, "/no/such/folder"));
}

}  // namespace
}  // namespace rtenv
