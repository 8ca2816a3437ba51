#include "base/path_kind.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

TEST(PathKind, IsThatOfALinksTarget) {
  TreeBuilder tree;
  tree.file("file", "").directory("folder").link("to-file", "file").link("to-folder", "folder");
  ASSERT_EQ(::mkfifo((tree / "pipe").c_str(), 0600), 0);
  for (const char* name : {"file", "to-file"})
    EXPECT_EQ(must(path_kind(tree / name)), PathKind::file) << name;
  for (const char* name : {"folder", "to-folder"})
    EXPECT_EQ(must(path_kind(tree / name)), PathKind::folder) << name;
  EXPECT_EQ(must(path_kind(tree / "pipe")), PathKind::other);
}

TEST(PathKind, OnlyWhatIsNotThereDoesNotExist) {
  TreeBuilder tree;
  tree.file("file", "").link("loop", "loop").link("dangling", "nowhere");
  for (const char* name : {"missing", "dangling", "missing/below"})
    EXPECT_THAT(path_kind(tree / name), IsError(Errc::not_found, "doesn't exist")) << name;
  EXPECT_THAT(path_kind(tree / "file/below"), IsError(Errc::invalid_argument, "Not a directory"));
  EXPECT_THAT(path_kind(tree / "loop"), IsError(Errc::invalid_argument, "symbolic links"));
  EXPECT_THAT(path_kind(tree / std::string(300, 'x'), "file:///x"),
              IsError(Errc::invalid_argument, "cannot read file:///x: File name too long"));
}

TEST(PathKind, AFolderThatMayNotBeEnteredHidesWhatIsThere) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may enter every folder";
  TreeBuilder tree;
  tree.file("closed/file", "");
  ASSERT_EQ(::chmod((tree / "closed").c_str(), 0), 0);
  EXPECT_THAT(path_kind(tree / "closed/file"),
              IsError(Errc::permission_denied, "Permission denied"));
  ASSERT_EQ(::chmod((tree / "closed").c_str(), 0700), 0);
}

}  // namespace
}  // namespace rtenv
