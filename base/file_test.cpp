#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/lock_file.hpp"
#include "base/tree_usage.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

std::size_t entries_in(const Path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(AtomicFile, ReplacesTheContentAndLeavesNoTemporaryFile) {
  TreeBuilder tree;
  tree.file("f", "old");
  auto file = must(AtomicFile::create(tree / "f"));
  must(file.write("new and longer"));
  EXPECT_EQ(content_of(tree / "f"), "old");
  must(file.commit());
  EXPECT_EQ(content_of(tree / "f"), "new and longer");
  EXPECT_EQ(entries_in(tree.root()), 1U);
}

TEST(AtomicFile, LeavesTheTargetUnchangedWithoutCommit) {
  TreeBuilder tree;
  tree.file("f", "old");
  {
    auto file = must(AtomicFile::create(tree / "f"));
    must(file.write("half"));
  }
  EXPECT_EQ(content_of(tree / "f"), "old");
  EXPECT_EQ(entries_in(tree.root()), 1U);
}

TEST(RemoveTree, RemovesReadOnlyFoldersAndDoesNotFollowLinks) {
  TreeBuilder outside;
  outside.file("precious", "x");
  TreeBuilder tree;
  tree.file("top/deep/f", "x").link("top/link", outside.root().native());
  must(make_read_only(tree / "top"));
  ::chmod((tree / "top").c_str(), 0555);
  must(remove_tree(tree / "top"));
  EXPECT_FALSE(std::filesystem::exists(tree / "top"));
  EXPECT_EQ(content_of(outside / "precious"), "x");
  EXPECT_THAT(remove_tree(tree / "top"), IsOk()) << "removing a missing tree succeeds";
}

TEST(RemoveTree, RemovesFoldersDeeperThanAPathOrTheDescriptors) {
  TreeBuilder tree;
  tree.directory("top");
  const std::string name(100, 'd');
  Fd folder = must(open_file(tree / "top", O_RDONLY | O_DIRECTORY));
  for (int depth = 0; depth < 1500; ++depth) {
    ASSERT_EQ(::mkdirat(folder.get(), name.c_str(), 0700), 0);
    folder = Fd(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(folder);
  }
  must(remove_tree(tree / "top"));
  EXPECT_EQ(entries_in(tree.root()), 0U);
}

TEST(RemoveTree, RemovesFoldersWithoutPermissions) {
  TreeBuilder tree;
  tree.file("top/a/b/f", "x");
  for (const char* path : {"top/a/b", "top/a", "top"}) ::chmod((tree / path).c_str(), 0);
  must(remove_tree(tree / "top"));
  EXPECT_EQ(entries_in(tree.root()), 0U);
}

mode_t permissions_of(const Path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

TEST(MakeOwnerWritable, AddsOnlyTheOwnersPermissions) {
  TreeBuilder tree;
  tree.file("top/folder/file", "x", 0440).file("top/tool", "x", 0555);
  tree.link("top/link", "/etc/hostname");
  ::chmod((tree / "top/folder").c_str(), 0555);
  must(make_owner_writable(tree / "top"));
  EXPECT_EQ(permissions_of(tree / "top/folder"), 0755U);
  EXPECT_EQ(permissions_of(tree / "top/folder/file"), 0640U);
  EXPECT_EQ(permissions_of(tree / "top/tool"), 0755U);
}

TEST(DiskUsage, CountsHardLinksOnce) {
  TreeBuilder tree;
  tree.file("one/a", std::string(1 << 20, 'x'));
  const auto before = must(disk_usage_bytes(tree / "one"));
  std::filesystem::create_hard_link(tree / "one/a", tree / "one/b");
  const auto after = must(disk_usage_bytes(tree / "one"));
  EXPECT_GE(before, 1U << 20);
  EXPECT_LT(after - before, 1U << 16);
}

TEST(CloneTree, CreatesAWritableCopyOfAReadOnlyTree) {
  TreeBuilder tree;
  tree.file("from/run.sh", "#!", 0755).file("from/d/f", "content").link("from/l", "d/f");
  must(make_read_only(tree / "from"));
  must(clone_tree(tree / "from", tree / "to"));
  EXPECT_EQ(content_of(tree / "to/l"), "content");
  EXPECT_TRUE(std::filesystem::is_symlink(tree / "to/l"));
  struct stat status {};
  ASSERT_EQ(::stat((tree / "to/run.sh").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0700U, 0700U);
  tree.file("to/d/f", "changed").file("to/d/new", "x");
  EXPECT_EQ(content_of(tree / "from/d/f"), "content");
}

TEST(CloneTree, KeepsTheTimesOfFilesFoldersAndLinks) {
  TreeBuilder tree;
  tree.file("from/d/f", "content").link("from/d/l", "f").directory("from/empty");
  for (int i = 0; i < 600; ++i) tree.file("from/many/" + std::to_string(i), "x");
  const auto time_of = [](const Path& path) {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return std::pair(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  };
  const std::array<timespec, 2> old{{{1'000'000'000, 7}, {1'000'000'000, 7}}};
  const std::vector<const char*> paths{"d/f",  "d/l", "many/1", "many/599",
                                       "many", "d",   "empty",  ""};
  for (const char* path : paths)
    ::utimensat(AT_FDCWD, (tree / "from" / path).c_str(), old.data(), AT_SYMLINK_NOFOLLOW);
  must(clone_tree(tree / "from", tree / "to", {.threads = 4}));
  for (const char* path : paths)
    EXPECT_EQ(time_of(tree / "to" / path), std::pair(time_t{1'000'000'000}, 7L)) << path;
}

TEST(CloneTree, CopiesLargeAndEmptyFiles) {
  TreeBuilder tree;
  const std::string large(3'000'001, 'l');
  tree.file("from/large", large).file("from/small", std::string(70'000, 's')).file("from/none", "");
  must(clone_tree(tree / "from", tree / "to"));
  EXPECT_EQ(content_of(tree / "to/large"), large);
  EXPECT_EQ(content_of(tree / "to/small"), std::string(70'000, 's'));
  EXPECT_EQ(content_of(tree / "to/none"), "");
  must(clone_tree(tree / "from/large", tree / "file"));
  EXPECT_EQ(content_of(tree / "file"), large) << "a single file";
}

TEST(CloneTree, StopsAtAPipeAtAnExistingTargetAndWhenCancelled) {
  TreeBuilder tree;
  tree.file("from/f", "x").directory("there");
  EXPECT_THAT(clone_tree(tree / "from", tree / "there"), IsError(Errc::already_exists));
  const auto cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(clone_tree(tree / "from", tree / "to", {.cancellation = &cancellation}),
              IsError(Errc::cancelled));
  ASSERT_EQ(::mkfifo((tree / "from/pipe").c_str(), 0600), 0);
  EXPECT_THAT(clone_tree(tree / "from", tree / "other"),
              IsError(Errc::invalid_argument, "from/pipe"));
}

TEST(LockFile, IsExclusiveUntilItIsDestroyed) {
  TreeBuilder tree;
  auto first = must(LockFile::try_acquire(tree / "lock"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(must(LockFile::try_acquire(tree / "lock")));
  first.reset();
  EXPECT_TRUE(must(LockFile::try_acquire(tree / "lock")));
}

TEST(LockFile, RemovedLockFileDoesNotBlockOthers) {
  TreeBuilder tree;
  const auto stale = must(LockFile::try_acquire(tree / "lock"));
  ::unlink((tree / "lock").c_str());
  EXPECT_TRUE(must(LockFile::try_acquire(tree / "lock")))
      << "a new file of the same name is a different lock";
}

TEST(LockFile, WaitingEndsOnReleaseOrCancellation) {
  TreeBuilder tree;
  auto held = must(LockFile::try_acquire(tree / "lock"));
  const auto cancellation = must(Cancellation::create());
  bool waited = false;
  std::jthread canceller([&] { cancellation.request(); });
  constexpr std::chrono::milliseconds k_at_once(0);
  EXPECT_THAT(LockFile::acquire(tree / "lock", {.cancellation = &cancellation,
                                                .quiet_wait = k_at_once,
                                                .on_wait = [&] { waited = true; }}),
              IsError(Errc::cancelled));
  EXPECT_TRUE(waited);
  held.reset();
  EXPECT_THAT(LockFile::acquire(tree / "lock", {.quiet_wait = k_at_once,
                                                .on_wait = [] { FAIL() << "no one holds it"; }}),
              IsOk());
}

TEST(RemoveTree, ManyThreadsCanRemoveTheSameTree) {
  for (int round = 0; round < 20; ++round) {
    TreeBuilder tree;
    for (int i = 0; i < 50; ++i) tree.file(fmt::format("top/{}/{}/file", i % 7, i), "x");
    std::atomic<int> failures = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
          if (!remove_tree(tree / "top")) ++failures;
        });
    }
    EXPECT_EQ(failures, 0);
    EXPECT_FALSE(std::filesystem::exists(tree / "top"));
  }
}

}  // namespace
}  // namespace rtenv
