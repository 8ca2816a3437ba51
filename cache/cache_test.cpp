#include "cache/cache.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/clock.hpp"
#include "base/database.hpp"
#include "base/wait_scope.hpp"
#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class CacheOfKind : public CacheFolder, public testing::WithParamInterface<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, CacheOfKind,
                         testing::Values(Kind::tree, Kind::env, Kind::tool, Kind::copy),
                         [](const auto& test) {
                           return std::string(cache::info(test.param).name);
                         });

TEST_P(CacheOfKind, BuildsAnEntryOnceAndFindsItAgain) {
  {
    Cache cache = open();
    EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
    const Lease built = must(cache.get_or_build(GetParam(), "k", writes("x")));
    EXPECT_EQ(built.path(), cache.path_of(GetParam(), "k"));
    EXPECT_EQ(content_of(built.path() / "file"), "x");
    EXPECT_THAT(cache.get_or_build(GetParam(), "k", must_not_run()), IsOk());
  }
  Cache again = open();
  EXPECT_TRUE(must(again.find(GetParam(), "k")));
  EXPECT_EQ(count_in(folder_ / "tmp"), 0U) << "no temporary folder is left";
}

TEST_P(CacheOfKind, LeavesNothingAfterAFailedBuild) {
  Cache cache = open();
  const Builder fails = [](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target / "half"));
    return fail(Errc::installer_failed, "no");
  };
  EXPECT_THAT(cache.get_or_build(GetParam(), "k", fails), IsError(Errc::installer_failed));
  EXPECT_FALSE(std::filesystem::exists(cache.path_of(GetParam(), "k")));
  EXPECT_THAT(keys(cache), IsEmpty());
  EXPECT_THAT(cache.get_or_build(GetParam(), "k", writes("x")), IsOk());
}

TEST_F(CacheFolder, OpeningEndsWithTheCallAndLeavesTheRestOfTheLeftoversToTheNextOne) {
  (void)open();
  const Path leftover = folder_.root() / "tmp" / "holder-that-died";
  std::filesystem::create_directories(leftover / "content");
  const auto cancellation = must(Cancellation::create());
  cancellation.request();
  {
    const WaitScope scope(&cancellation);
    EXPECT_THAT(Cache::open(folder_.root()), IsError(Errc::cancelled));
  }
  EXPECT_TRUE(std::filesystem::exists(leftover));
  (void)open();
  EXPECT_FALSE(std::filesystem::exists(leftover));
}

TEST_P(CacheOfKind, RecoversFromAKilledBuild) {
  in_killed_process([&] {
    Cache cache = open();
    [[maybe_unused]] const auto lease =
        cache.get_or_build(GetParam(), "k", [](const BuildContext& context) -> Result<void> {
          RTENV_TRY(make_directories(context.target));
          std::ofstream(context.target / "file") << "half";
          ::kill(::getpid(), SIGKILL);
          return {};
        });
  });
  Cache cache = open();
  EXPECT_THAT(keys(cache), IsEmpty());
  EXPECT_EQ(count_in(folder_ / "tmp"), 0U);
  EXPECT_FALSE(std::filesystem::exists(cache.path_of(GetParam(), "k")));
  const Lease lease = must(cache.get_or_build(GetParam(), "k", writes("whole")));
  EXPECT_EQ(content_of(lease.path() / "file"), "whole");
}

TEST_P(CacheOfKind, ReplacesAFolderThatIsNotInTheLedger) {
  Cache cache = open();
  folder_.file(cache.path_of(GetParam(), "k").lexically_relative(folder_.root()) / "file", "left");
  EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
  const Lease lease = must(cache.get_or_build(GetParam(), "k", writes("built")));
  EXPECT_EQ(content_of(lease.path() / "file"), "built");
}

TEST_P(CacheOfKind, RebuildsAnEntryWhoseFilesAreMissing) {
  Cache cache = open();
  must(cache.get_or_build(GetParam(), "k", writes("x")));
  must(remove_tree(cache.path_of(GetParam(), "k")));
  EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
  EXPECT_EQ(content_of(must(cache.get_or_build(GetParam(), "k", writes("y"))).path() / "file"),
            "y");
}

using CacheBuild = OpenCache;

TEST_F(CacheBuild, BuildsOnceForConcurrentCallers) {
  std::atomic<int> built{0};
  std::atomic<int> waited{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto lease = cache_.get_or_build(
          Kind::env, "k",
          [&](const BuildContext& context) -> Result<void> {
            ++built;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return make_directories(context.target);
          },
          {.wait = {.quiet_wait = std::chrono::milliseconds(0), .on_wait = [&] { ++waited; }}});
      EXPECT_THAT(lease, IsOk());
    });
  threads.clear();
  EXPECT_EQ(built, 1);
  EXPECT_GE(waited, 1);
}

TEST_F(CacheBuild, WriteProtectsFilesButNotTreesOrEnvironments) {
  const auto mode = [](const Lease& lease) {
    return std::filesystem::status(lease.path() / "file").permissions();
  };
  using std::filesystem::perms;
  EXPECT_EQ(mode(must(build(Kind::file, "f"))) & perms::owner_write, perms::none);
  EXPECT_EQ(mode(must(build(Kind::tree, "t"))) & perms::owner_write, perms::owner_write);
  EXPECT_EQ(mode(must(build(Kind::env, "e"))) & perms::owner_write, perms::owner_write);
}

using CacheReadyEntries = OpenCache;

TEST_F(CacheReadyEntries, AreTheNewestFirstWhateverWasUsedLast) {
  const auto ready = [&] {
    std::vector<std::string> result;
    for (const EntryRow& row : must(cache_.ready_entries(Kind::env, "a")))
      result.push_back(row.key.text());
    return result;
  };
  for (const KeyView key : std::initializer_list<KeyView>{"a-2", "a", "b", "a-1"})
    must(build(Kind::env, key));
  must(build(Kind::tool, "a-3"));
  must(cache_.find(Kind::env, "a-2"));
  EXPECT_THAT(ready(), testing::ElementsAre("a-1", "a", "a-2"));
  const Builder looks = [&](const BuildContext& context) {
    EXPECT_THAT(ready(), SizeIs(3)) << "one that is being built isn't ready";
    return writes("x")(context);
  };
  must(cache_.get_or_build(Kind::env, "a-4", looks));
  std::filesystem::remove_all(cache_.path_of(Kind::env, "a"));
  EXPECT_THAT(ready(), testing::ElementsAre("a-4", "a-1", "a-2"));
}

using CacheLeaseUnused = OpenCache;

TEST_F(CacheLeaseUnused, GivesEachCallerAnotherEntryWithThePrefix) {
  for (const KeyView key : std::initializer_list<KeyView>{"a-1", "a-2", "b-1"})
    must(build(Kind::copy, key));
  must(build(Kind::tree, "a-3"));
  EXPECT_TRUE(must(cache_.has_unused(Kind::copy, "a-")));
  auto first = must(cache_.lease_unused(Kind::copy, "a-"));
  Cache other = open();
  auto second = must(other.lease_unused(Kind::copy, "a-"));
  ASSERT_TRUE(first && second);
  EXPECT_THAT((std::vector{first->key(), second->key()}),
              testing::UnorderedElementsAre("a-1", "a-2"));
  EXPECT_EQ(must(cache_.lease_unused(Kind::copy, "a-")), std::nullopt);
  EXPECT_FALSE(must(cache_.has_unused(Kind::copy, "a-")));
  EXPECT_THAT(cache_.remove(Kind::copy, second->key()), IsError(Errc::busy));
  second.reset();
  EXPECT_TRUE(must(cache_.lease_unused(Kind::copy, "a-")));
}

TEST_F(CacheLeaseUnused, FindsAnEntryWhoseHolderDiedSinceTheCacheWasOpened) {
  must(build(Kind::copy, "a-1"));
  // A holder that died: its row is there, and its lock is free.
  must(must(Database::open(folder_ / "ledger.db"))
           .execute("INSERT INTO holder (id, lock_name, pid) VALUES (7, 'holder-dead', 1);"
                    "INSERT INTO lease SELECT id, 7, 7 FROM entry"));
  EXPECT_FALSE(must(cache_.has_unused(Kind::copy, "a-")));
  EXPECT_TRUE(must(cache_.lease_unused(Kind::copy, "a-")));
}

TEST_F(CacheLeaseUnused, HasRoomWithinTheLimits) {
  must(build(Kind::copy, "a"));
  constexpr std::uint64_t size = 8192;
  Cache limited = open({.limits = {.max_bytes = 10 * size}});
  EXPECT_TRUE(must(limited.has_room(Kind::copy, size)));
  EXPECT_FALSE(must(limited.has_room(Kind::copy, 10 * size)));
  Cache none = open({.limits = {.max_bytes_of_kind = {{Kind::copy, 0}}}});
  EXPECT_FALSE(must(none.has_room(Kind::copy, size)));
  EXPECT_TRUE(must(none.has_room(Kind::tree, size)));
  EXPECT_FALSE(must(cache_.has_room(Kind::copy, ~std::uint64_t{0} / 2)));
}

using CacheRemove = OpenCache;

TEST_F(CacheRemove, RefusesALeasedEntry) {
  {
    const Lease lease = must(build(Kind::tree, "k"));
    Cache other = open();
    EXPECT_THAT(other.remove(Kind::tree, "k"), IsError(Errc::busy, std::to_string(::getpid())));
    EXPECT_EQ(content_of(lease.path() / "file"), "x");
  }
  EXPECT_TRUE(must(cache_.remove(Kind::tree, "k")));
  EXPECT_FALSE(std::filesystem::exists(cache_.path_of(Kind::tree, "k")));
  EXPECT_FALSE(must(cache_.remove(Kind::tree, "k"))) << "it is already removed";
}

TEST_F(CacheRemove, AnInterruptedRemovalLeavesTheFilesToWhoInterruptedIt) {
  must(build(Kind::tree, "k", "x"));
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(cache_.remove(Kind::tree, "k", &cancellation), IsError(Errc::cancelled));
  EXPECT_THAT(keys(cache_), testing::IsEmpty());
  const auto left = cancellation.take_left_folders();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(left[0]));
}

TEST_F(CacheRemove, RefusesAnEntryThatIsBeingBuilt) {
  const Lease lease =
      must(cache_.get_or_build(Kind::env, "k", [&](const BuildContext& context) -> Result<void> {
        RTENV_TRY(make_directories(context.target));
        Cache other = open();
        EXPECT_THAT(other.remove(Kind::env, "k"), IsError(Errc::busy, "is being built"));
        EXPECT_THAT(must(other.collect({.max_bytes = 0}, false)).removed, IsEmpty());
        return {};
      }));
  EXPECT_TRUE(std::filesystem::exists(lease.path()));
}

using CachePin = OpenCache;

TEST_F(CachePin, ProtectsAnEntryUntilItExpiresOrIsRemoved) {
  must(build(Kind::tree, "a"));
  EXPECT_FALSE(must(cache_.pin(Kind::tree, "none", {.name = "p", .expires_ms = {}})));
  EXPECT_THAT(cache_.pin(Kind::tree, "a", {.name = "", .expires_ms = {}}),
              IsError(Errc::invalid_argument));
  EXPECT_TRUE(
      must(cache_.pin(Kind::tree, "a", {.name = "upload", .expires_ms = unix_ms() + 60'000})));
  EXPECT_TRUE(must(cache_.pin(Kind::tree, "a", {.name = "user", .expires_ms = {}})));
  EXPECT_THAT(cache_.remove(Kind::tree, "a"), IsError(Errc::busy, "is pinned by 'upload'"));
  EXPECT_THAT(must(cache_.collect({.max_bytes = 0}, false)).removed, IsEmpty());
  EXPECT_THAT(must(cache_.entries()).front().pins, SizeIs(2));
  EXPECT_TRUE(must(cache_.unpin(Kind::tree, "a", "user")));
  EXPECT_FALSE(must(cache_.unpin(Kind::tree, "a", "user")));
  EXPECT_TRUE(must(cache_.pin(Kind::tree, "a", {.name = "upload", .expires_ms = unix_ms() - 1})));
  EXPECT_THAT(must(cache_.entries()).front().pins, IsEmpty()) << "expired";
  EXPECT_TRUE(must(cache_.remove(Kind::tree, "a")));
}

TEST_F(CachePin, FailsForAnEntryWhoseFilesAreMissing) {
  must(build(Kind::tree, "lost"));
  must(remove_tree(cache_.path_of(Kind::tree, "lost")));
  EXPECT_FALSE(must(cache_.pin(Kind::tree, "lost", {.name = "p", .expires_ms = {}})));
}

class CacheWithoutLocks : public CacheFolder {
 protected:
  // Returns a function that waits for the process to end and returns its exit status.
  static std::function<int()> start(const std::function<bool()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(body() ? 0 : 1);
    return [pid] {
      int status = 0;
      ::waitpid(pid, &status, 0);
      return status;
    };
  }
};

// What a cleaner of old files does to a build that takes long.
TEST_F(CacheWithoutLocks, AnotherProcessWaitsForTheBuildAndSweepingLeavesItAlone) {
  Cache cache = open();
  std::function<int()> other;
  const Builder builder = [&](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    std::ofstream(context.target / "file") << "half";
    for (const auto& file : std::filesystem::directory_iterator(cache.root() / "locks"))
      std::filesystem::remove(file.path());
    const auto sweeper = start([&] {
      const auto opened = Cache::open(cache.root());
      return opened && std::filesystem::exists(context.target / "file");
    });
    EXPECT_EQ(sweeper(), 0);
    other = start([&] {
      auto opened = Cache::open(cache.root());
      return opened && opened->get_or_build(Kind::env, "k", must_not_run());
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::ofstream(context.target / "file") << "whole";
    return {};
  };
  const Lease lease = must(cache.get_or_build(Kind::env, "k", builder));
  EXPECT_EQ(other(), 0);
  EXPECT_EQ(content_of(lease.path() / "file"), "whole");
}

TEST_F(CacheWithoutLocks, OfTwoStagedBuildsTheFirstThatIsReadyStays) {
  Cache cache = open();
  bool is_first = true;
  std::optional<Lease> first;
  const Builder builder = [&](const BuildContext& context) -> Result<void> {
    RTENV_TRY(writes("x")(context));
    if (!std::exchange(is_first, false)) return {};
    for (const auto& file : std::filesystem::directory_iterator(cache.root() / "locks"))
      std::filesystem::remove(file.path());
    RTENV_TRY(first, open().get_or_build(Kind::tree, "k", writes("x")));
    return {};
  };
  const Lease second = must(cache.get_or_build(Kind::tree, "k", builder));
  EXPECT_EQ(content_of(first->path() / "file"), "x");
  EXPECT_THAT(keys(cache), SizeIs(1));
  EXPECT_EQ(must(cache.usage()).at(Kind::tree).misses, 1U);
}

using CacheOpen = CacheFolder;

TEST_F(CacheOpen, ReportsAPathThatCannotHoldACache) {
  folder_.file("file", "");
  EXPECT_THAT(Cache::open(folder_ / "file/cache"),
              IsError(Errc::invalid_argument, "file: Not a directory"));
}

TEST_F(CacheOpen, RefusesAFolderWithOtherContentAndLeavesItAlone) {
  folder_.file("tmp/thesis", "x").file("reserve/0", "x").file("trees/pine", "x");
  for (const bool makes_room : {false, true})
    EXPECT_THAT(Cache::open(folder_.root(), {.makes_room = makes_room}),
                IsError(Errc::invalid_argument, "it has no ledger.db and isn't empty"));
  for (const char* file : {"tmp/thesis", "reserve/0", "trees/pine"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / file)) << file;
}

TEST_F(CacheOpen, AcceptsTheRootOfADisk) {
  must(make_directories(folder_ / "lost+found"));
  EXPECT_THAT(Cache::open(folder_.root()), IsOk());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "lost+found"));
}

TEST_F(CacheOpen, AndCollectingSucceedWithAnythingInItsFolders) {
  must(open().get_or_build(Kind::tree, "k", writes("x")));
  std::filesystem::remove(folder_ / "logs");
  std::filesystem::create_symlink("nowhere", folder_ / "logs");
  folder_.file("locks/sweeper/x", "").file("tmp/x", "").file("trees/a b/c", "").file("uv-file", "");
  std::filesystem::create_symlink("loop", folder_ / "locks/loop");
  std::filesystem::create_symlink("../made-by-a-link", folder_ / "locks/dangling");
  Cache cache = open();
  EXPECT_THAT(must(cache.collect({.max_bytes = 0}, false)).removed, SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "made-by-a-link"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "trees/a b"));
  const Cache again = open();
}

TEST_F(CacheOpen, RefusesALedgerOfAnotherVersion) {
  { const Cache created = open(); }
  for (const char* version : {"PRAGMA user_version = 1", "PRAGMA user_version = 99"}) {
    must(must(Database::open(folder_ / "ledger.db")).execute(version));
    EXPECT_THAT(Cache::open(folder_.root()),
                IsError(Errc::invalid_argument, "another version of rtenv"));
  }
  must(must(Database::open(folder_ / "ledger.db")).execute("PRAGMA user_version = 0"));
  EXPECT_THAT(Cache::open(folder_.root()), IsError(Errc::corrupt, "isn't the ledger of a cache"));
}

TEST_F(CacheOpen, SucceedsAfterTheFolderOfAnOpenCacheWasRemoved) {
  const Path root = folder_ / "cache";
  Cache old = must(Cache::open(root));
  const Lease lease = must(old.get_or_build(Kind::tree, "k", writes("old")));
  const TempDir temporary = must(old.make_temp_dir());
  const auto expect_unusable = [&] {
    const auto is_refused = IsError(Errc::unavailable, "was removed or replaced");
    EXPECT_THAT(old.find(Kind::tree, "k"), is_refused);
    EXPECT_THAT(old.get_or_build(Kind::tree, "other", writes("x")), is_refused);
    EXPECT_THAT(old.entries(), is_refused);
    EXPECT_THAT(old.remove(Kind::tree, "k"), is_refused);
    EXPECT_THAT(old.collect({.max_bytes = 0}, false), is_refused);
    EXPECT_THAT(old.make_temp_dir(), is_refused);
    old.enforce_limits();
  };
  std::filesystem::remove_all(root);
  expect_unusable();
  EXPECT_FALSE(std::filesystem::exists(root)) << "what isn't empty isn't taken for a cache";
  Cache next = must(Cache::open(root));
  must(next.get_or_build(Kind::tree, "k", writes("new")));
  expect_unusable();
  EXPECT_EQ(content_of(must(next.find(Kind::tree, "k"))->path() / "file"), "new");
}

}  // namespace
}  // namespace rtenv::cache
