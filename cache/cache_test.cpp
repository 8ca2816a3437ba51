#include "cache/cache.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "base/clock.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

Maker writes(std::string content) {
  return [content = std::move(content)](const MakeContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    std::ofstream(context.target / "file") << content;
    return {};
  };
}

// What the later versions added.
constexpr const char* k_back_to_the_first_version =
    "DROP TABLE content; DROP TABLE unsent; DROP TABLE source; DROP TABLE lease; CREATE TABLE "
    "lease (id INTEGER PRIMARY "
    "KEY, entry INTEGER NOT "
    "NULL REFERENCES "
    "entry (id) ON DELETE RESTRICT, holder INTEGER NOT NULL REFERENCES holder (id) ON DELETE "
    "CASCADE); "
    "CREATE INDEX lease_by_entry ON lease (entry); CREATE INDEX lease_by_holder ON lease (holder); "
    "DROP TABLE pin; DROP TABLE usage; DROP TRIGGER entry_added; DROP TRIGGER entry_resized; "
    "DROP TRIGGER entry_removed; DROP INDEX entry_unready; ALTER TABLE entry DROP COLUMN hits; "
    "ALTER TABLE entry DROP COLUMN digest; PRAGMA user_version = 1";

Maker must_not_run() {
  return [](const MakeContext&) -> Result<void> { return fail(Errc::internal, "made again"); };
}

std::vector<std::string> keys(Cache& cache) {
  std::vector<std::string> result;
  for (const EntryRow& row : must(cache.entries())) result.push_back(row.key);
  return result;
}

std::size_t count_in(const Path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

// Runs `body` in a child process that is killed by SIGKILL from inside. Only what a fork may do in
// a test.
template <class Body>
void in_a_process_that_is_killed(Body body) {
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    body();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
}

class CacheOf : public testing::TestWithParam<Kind> {
 protected:
  TreeBuilder folder_;
};
INSTANTIATE_TEST_SUITE_P(Kinds, CacheOf, testing::Values(Kind::tree, Kind::env, Kind::tool),
                         [](const auto& test) {
                           return std::string(k_kinds[static_cast<std::size_t>(test.param)].name);
                         });

TEST_P(CacheOf, MakesAnEntryOnceAndFindsItAfterwards) {
  {
    Cache cache = must(Cache::open(folder_.root()));
    EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
    const Lease made = must(cache.get_or_make(GetParam(), "k", writes("x")));
    EXPECT_EQ(made.path(), cache.path_of(GetParam(), "k"));
    EXPECT_EQ(content_of(made.path() / "file"), "x");
    EXPECT_THAT(cache.get_or_make(GetParam(), "k", must_not_run()), IsOk());
  }
  Cache again = must(Cache::open(folder_.root()));
  EXPECT_TRUE(must(again.find(GetParam(), "k")));
  EXPECT_EQ(count_in(folder_ / "tmp"), 0U) << "nothing temporary is left";
}

TEST_P(CacheOf, AFailedMakingLeavesNothingAndTheNextOneWorks) {
  Cache cache = must(Cache::open(folder_.root()));
  const Maker fails = [](const MakeContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target / "half"));
    return fail(Errc::installer_failed, "no");
  };
  EXPECT_THAT(cache.get_or_make(GetParam(), "k", fails), IsError(Errc::installer_failed));
  EXPECT_FALSE(std::filesystem::exists(cache.path_of(GetParam(), "k")));
  EXPECT_THAT(keys(cache), IsEmpty());
  EXPECT_THAT(cache.get_or_make(GetParam(), "k", writes("x")), IsOk());
}

TEST_P(CacheOf, SurvivesKillInTheMiddleOfMaking) {
  in_a_process_that_is_killed([&] {
    Cache cache = must(Cache::open(folder_.root()));
    [[maybe_unused]] const auto lease =
        cache.get_or_make(GetParam(), "k", [](const MakeContext& context) -> Result<void> {
          RTENV_TRY(make_directories(context.target));
          std::ofstream(context.target / "file") << "half";
          ::kill(::getpid(), SIGKILL);
          return {};
        });
  });
  Cache cache = must(Cache::open(folder_.root()));
  EXPECT_THAT(keys(cache), IsEmpty());
  EXPECT_EQ(count_in(folder_ / "tmp"), 0U);
  EXPECT_FALSE(std::filesystem::exists(cache.path_of(GetParam(), "k")));
  const Lease lease = must(cache.get_or_make(GetParam(), "k", writes("whole")));
  EXPECT_EQ(content_of(lease.path() / "file"), "whole");
}

TEST_P(CacheOf, WhatWasLeftWithoutARowIsReplaced) {
  Cache cache = must(Cache::open(folder_.root()));
  // As if its maker had died between the rename and the row.
  folder_.file(cache.path_of(GetParam(), "k").lexically_relative(folder_.root()) / "file", "left");
  EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
  const Lease lease = must(cache.get_or_make(GetParam(), "k", writes("made")));
  EXPECT_EQ(content_of(lease.path() / "file"), "made");
}

TEST_P(CacheOf, ARowWithoutItsFilesIsMadeAnew) {
  Cache cache = must(Cache::open(folder_.root()));
  must(cache.get_or_make(GetParam(), "k", writes("x")));
  must(remove_tree(cache.path_of(GetParam(), "k")));
  EXPECT_EQ(must(cache.find(GetParam(), "k")), std::nullopt);
  EXPECT_EQ(content_of(must(cache.get_or_make(GetParam(), "k", writes("y"))).path() / "file"), "y");
}

TEST(Cache, OfManyAskersOneMakesAndTheOthersWait) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  std::atomic<int> made{0};
  std::atomic<int> waited{0};
  std::vector<std::jthread> askers;
  for (int i = 0; i < 8; ++i)
    askers.emplace_back([&] {
      const auto lease = cache.get_or_make(
          Kind::env, "k",
          [&](const MakeContext& context) -> Result<void> {
            ++made;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return make_directories(context.target);
          },
          {.on_wait = [&] { ++waited; }, .quiet_wait = std::chrono::milliseconds(0)});
      EXPECT_THAT(lease, IsOk());
    });
  askers.clear();
  EXPECT_EQ(made, 1);
  EXPECT_GE(waited, 1);
}

TEST(Cache, TreesAreReadOnlyAndEnvironmentsAreNot) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  const auto mode = [](const Lease& lease) {
    return std::filesystem::status(lease.path() / "file").permissions();
  };
  using std::filesystem::perms;
  EXPECT_EQ(mode(must(cache.get_or_make(Kind::tree, "t", writes("x")))) & perms::owner_write,
            perms::none);
  EXPECT_EQ(mode(must(cache.get_or_make(Kind::env, "e", writes("x")))) & perms::owner_write,
            perms::owner_write);
}

TEST(CacheRemove, IsRefusedWhileSomebodyHoldsTheEntry) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  {
    const Lease lease = must(cache.get_or_make(Kind::tree, "k", writes("x")));
    Cache other = must(Cache::open(folder.root()));
    EXPECT_THAT(other.remove(Kind::tree, "k"),
                IsError(Errc::permission_denied, std::to_string(::getpid())));
    EXPECT_EQ(content_of(lease.path() / "file"), "x");
  }
  EXPECT_TRUE(must(cache.remove(Kind::tree, "k")));
  EXPECT_FALSE(std::filesystem::exists(cache.path_of(Kind::tree, "k")));
  EXPECT_FALSE(must(cache.remove(Kind::tree, "k"))) << "it isn't there any more";
}

TEST(CacheRemove, IsRefusedWhileTheEntryIsBeingBuilt) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  const Lease lease =
      must(cache.get_or_make(Kind::env, "k", [&](const MakeContext& context) -> Result<void> {
        RTENV_TRY(make_directories(context.target));
        Cache other = must(Cache::open(folder.root()));
        EXPECT_THAT(other.remove(Kind::env, "k"),
                    IsError(Errc::permission_denied, "is being built"));
        EXPECT_THAT(must(other.collect({.max_bytes = 0}, false)).removed, IsEmpty());
        return {};
      }));
  EXPECT_TRUE(std::filesystem::exists(lease.path()));
}

TEST(CacheLease, EndsWithItsHoldersDeath) {
  TreeBuilder folder;
  in_a_process_that_is_killed([&] {
    Cache cache = must(Cache::open(folder.root()));
    static const Lease lease =
        must(cache.get_or_make(Kind::tree, "k", writes("x")));  // never released
  });
  Cache cache = must(Cache::open(folder.root()));
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
  EXPECT_TRUE(must(cache.remove(Kind::tree, "k")));
}

TEST(CacheLease, LivesOnInAChildThatInheritedItsLock) {
  TreeBuilder folder;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd child_waits(ends[0]);
  Fd keeps_child(ends[1]);
  in_a_process_that_is_killed([&] {
    Cache cache = must(Cache::open(folder.root()));
    static const Lease lease = must(cache.get_or_make(Kind::tree, "k", writes("x")));
    if (::fork() == 0) {  // the job: it has the descriptor
      keeps_child.reset();
      char byte = 0;
      ::_exit(static_cast<int>(::read(child_waits.get(), &byte, 1)));
    }
  });
  {
    Cache cache = must(Cache::open(folder.root()));
    EXPECT_THAT(must(cache.entries())[0].holder_pids, SizeIs(1));
    EXPECT_THAT(cache.remove(Kind::tree, "k"), IsError(Errc::permission_denied));
  }
  keeps_child.reset();  // the job ends
  for (int i = 0; i < 500; ++i) {
    Cache cache = must(Cache::open(folder.root()));
    if (must(cache.entries())[0].holder_pids.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL() << "the lease outlived the job";
}

TEST(CacheCollect, EvictsTheLeastRecentlyUsedFirstAndNeverWhatIsHeld) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  const std::string megabyte(1 << 20, 'x');
  for (const char* key : {"a", "b", "c", "d"}) {
    must(cache.get_or_make(Kind::tree, key, writes(megabyte)));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  must(cache.find(Kind::tree, "a"));  // now the most recent
  const Lease held = std::move(*must(cache.find(Kind::tree, "b")));
  constexpr std::uint64_t k_two_and_a_half = 5 << 19;

  const auto planned = must(cache.collect({.max_bytes = k_two_and_a_half}, true));
  EXPECT_THAT(planned.removed, SizeIs(2));
  EXPECT_THAT(keys(cache), SizeIs(4)) << "a dry run removes nothing";

  const auto report = must(cache.collect({.max_bytes = k_two_and_a_half}, false));
  EXPECT_EQ(report.removed[0].entry.key + report.removed[1].entry.key, "cd");
  EXPECT_GE(report.freed_bytes, 2U << 20);
  EXPECT_GE(report.held_bytes, 1U << 20);
  EXPECT_THAT(keys(cache), testing::UnorderedElementsAre("a", "b"));
  EXPECT_THAT(must(cache.collect({.max_bytes = 0}, false)).removed, SizeIs(1));
  EXPECT_EQ(content_of(held.path() / "file"), megabyte);
}

TEST(CacheCollect, SweepsWhatNoRowKnows) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  folder.file("trees/orphan/file", "x").file("envs/orphan/file", "x");
  must(cache.collect({.max_bytes = 1 << 30}, false));
  EXPECT_EQ(count_in(folder / "trees") + count_in(folder / "envs"), 0U);
}

TEST(Ledger, NumbersAreNeverGivenAgain) {
  TreeBuilder folder;
  Ledger ledger = must(Ledger::open(folder / "ledger.db"));
  const auto add = [&](const char* name) {
    return must(ledger.add_holder({.lock_name = name, .boot_id = "b", .pid = 1}));
  };
  std::set<HolderId> seen;
  for (int i = 0; i < 100; ++i) {
    const HolderId id = add("holder");
    EXPECT_TRUE(seen.insert(id).second);
    must(ledger.remove_holder(id));
  }
}

TEST(CachePin, KeepsAnEntryUntilItExpiresOrIsTakenOff) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  { must(cache.get_or_make(Kind::tree, "a", writes("x"))); }
  EXPECT_FALSE(must(cache.pin(Kind::tree, "none", {.name = "p", .expires_ms = {}})));
  EXPECT_THAT(cache.pin(Kind::tree, "a", {.name = "", .expires_ms = {}}),
              IsError(Errc::invalid_argument));
  EXPECT_TRUE(
      must(cache.pin(Kind::tree, "a", {.name = "upload", .expires_ms = unix_ms() + 60'000})));
  EXPECT_TRUE(must(cache.pin(Kind::tree, "a", {.name = "user", .expires_ms = {}})));
  EXPECT_THAT(cache.remove(Kind::tree, "a"),
              IsError(Errc::permission_denied, "is pinned by 'upload'"));
  EXPECT_THAT(must(cache.collect({.max_bytes = 0}, false)).removed, IsEmpty());
  EXPECT_THAT(must(cache.entries()).front().pins, SizeIs(2));
  EXPECT_TRUE(must(cache.unpin(Kind::tree, "a", "user")));
  EXPECT_FALSE(must(cache.unpin(Kind::tree, "a", "user")));
  EXPECT_TRUE(must(cache.pin(Kind::tree, "a", {.name = "upload", .expires_ms = unix_ms() - 1})));
  EXPECT_THAT(must(cache.entries()).front().pins, IsEmpty()) << "expired";
  EXPECT_TRUE(must(cache.remove(Kind::tree, "a")));
  { must(cache.get_or_make(Kind::tree, "lost", writes("x"))); }
  must(remove_tree(cache.path_of(Kind::tree, "lost")));
  EXPECT_FALSE(must(cache.pin(Kind::tree, "lost", {.name = "p", .expires_ms = {}})));
}

TEST(CacheLimits, AreKeptByItselfAsSoonAsLeasesAllow) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root(), {.limits = {.max_bytes = 20'000}}));
  const std::string content(12'000,
                            'x');  // one fits, two do not; a folder may take a block or none
  auto a = std::optional(must(cache.get_or_make(Kind::tree, "a", writes(content))));
  auto b = std::optional(must(cache.get_or_make(Kind::tree, "b", writes(content))));
  EXPECT_THAT(keys(cache), testing::ElementsAre("a", "b")) << "more than may stay, but held";
  b.reset();
  EXPECT_THAT(keys(cache), testing::ElementsAre("a"));
  { must(cache.get_or_make(Kind::tree, "c", writes(content))); }
  EXPECT_THAT(keys(cache), testing::ElementsAre("a"));
  a.reset();
  EXPECT_THAT(keys(cache), testing::ElementsAre("a")) << "it fits now";
  EXPECT_EQ(must(cache.usage()).at(Kind::tree).evictions, 2U);
}

TEST(CacheUsage, CountsHitsMissesAndWhatWasSaved) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  for (int i = 0; i < 4; ++i) must(cache.get_or_make(Kind::tree, "a", writes("x")));
  EXPECT_EQ(must(cache.find(Kind::tree, "none")), std::nullopt);
  const KindUsage before = must(cache.usage()).at(Kind::tree);
  EXPECT_EQ(before.hits, 3U);
  EXPECT_EQ(before.misses, 1U);
  EXPECT_EQ(before.saved_bytes, 3 * before.size_bytes);
  EXPECT_TRUE(must(cache.remove(Kind::tree, "a")));
  const KindUsage after = must(cache.usage()).at(Kind::tree);
  EXPECT_EQ(after.hits, 3U) << "also of what is gone";
  EXPECT_EQ(after.saved_bytes, before.saved_bytes);
  EXPECT_EQ(after.entries + after.size_bytes, 0U);
}

std::uint64_t inode_of(const Path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

TEST(CacheShare, LargeFilesThatReadOnlyTreesHaveInCommonAreOneFile) {
  const TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  const std::string model(100'000, 'm');
  const Lease first = must(cache.get_or_make(Kind::tree, "first", writes(model)));
  {
    const Lease second = must(cache.get_or_make(Kind::tree, "second", writes(model)));
    EXPECT_EQ(inode_of(first.path() / "file"), inode_of(second.path() / "file"));
    EXPECT_EQ(must(cache.shared_bytes()), 100'000U);
    const Lease env = must(cache.get_or_make(Kind::env, "env", writes(model)));
    EXPECT_NE(inode_of(first.path() / "file"), inode_of(env.path() / "file"))
        << "its user may write to it";
    const Lease other =
        must(cache.get_or_make(Kind::tree, "other", writes(std::string(100'000, 'n'))));
    EXPECT_NE(inode_of(first.path() / "file"), inode_of(other.path() / "file"));
  }
  EXPECT_TRUE(must(cache.remove(Kind::tree, "second")));
  EXPECT_EQ(must(cache.shared_bytes()), 0U);
  EXPECT_THAT(read_file(first.path() / "file"), IsOk());
}

TEST(CacheShare, AnotherModeOrADamagedFileIsNotShared) {
  const TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  const std::string model(100'000, 'm');
  const Lease first = must(cache.get_or_make(Kind::tree, "first", writes(model)));
  const Lease private_one = must(
      cache.get_or_make(Kind::tree, "private", [&](const MakeContext& context) -> Result<void> {
        RTENV_TRY(writes(model)(context));
        std::filesystem::permissions(context.target / "file", std::filesystem::perms::owner_read);
        return {};
      }));
  EXPECT_NE(inode_of(first.path() / "file"), inode_of(private_one.path() / "file"));

  for (const Path& path : {first.path() / "file", private_one.path() / "file"}) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::ofstream(path, std::ios::in | std::ios::out) << "X";
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::remove);
  }
  const Lease later = must(cache.get_or_make(Kind::tree, "later", writes(model)));
  EXPECT_EQ(must(read_file(later.path() / "file")), model);
}

TEST(CacheVerify, QuarantinesWhatIsNotWhatItWas) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  for (const char* key : {"good", "changed", "held", "gone"})
    must(cache.get_or_make(Kind::tree, key, writes(key)));
  const auto spoil = [&](const char* key) {
    const Path file = cache.path_of(Kind::tree, key) / "file";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::ofstream(file) << "other";
  };
  EXPECT_EQ(must(cache.verify(2)).checked, 4U);
  spoil("changed");
  spoil("held");
  must(remove_tree(cache.path_of(Kind::tree, "gone")));
  {
    const auto held = must(cache.find(Kind::tree, "held"));
    const VerifyReport report = must(cache.verify(2));
    EXPECT_EQ(report.checked, 1U);
    ASSERT_THAT(report.quarantined, SizeIs(1));
    EXPECT_EQ(report.quarantined[0].key, "changed");
    ASSERT_THAT(report.damaged_in_use, SizeIs(1));
    EXPECT_EQ(report.damaged_in_use[0].key, "held");
    ASSERT_THAT(report.missing, SizeIs(1));
    EXPECT_EQ(report.missing[0].key, "gone");
  }
  EXPECT_EQ(count_in(folder / "quarantine"), 1U);
  EXPECT_THAT(keys(cache), testing::UnorderedElementsAre("good", "held"));
  EXPECT_THAT(must(cache.verify(2)).quarantined, SizeIs(1)) << "held no more";
  must(cache.get_or_make(Kind::tree, "changed", writes("changed")));
}

TEST(CacheVerify, AnEnvironmentIsRecordedFirstAndMayGrowWhatPythonCompiles) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  { must(cache.get_or_make(Kind::env, "e", writes("x"))); }
  EXPECT_EQ(must(cache.verify(1)).recorded, 1U);
  folder.file("envs/e/__pycache__/m.pyc", "compiled");
  EXPECT_EQ(must(cache.verify(1)).checked, 1U);
  folder.file("envs/e/extra", "installed by hand");
  EXPECT_THAT(must(cache.verify(1)).quarantined, SizeIs(1));
}

TEST(CacheSource, IsRememberedUntilItsEntryIsGone) {
  TreeBuilder folder;
  Cache cache = must(Cache::open(folder.root()));
  EXPECT_EQ(must(cache.find_fetch_record("digest")), std::nullopt);
  { must(cache.get_or_make(Kind::file, "key", writes("x"))); }
  must(cache.remember_fetch("digest",
                            {.version = "1", .sha256 = "aa", .kind = Kind::file, .key = "key"}));
  must(cache.remember_fetch("digest",
                            {.version = "2", .sha256 = "bb", .kind = Kind::file, .key = "key"}));
  const auto source = must(cache.find_fetch_record("digest"));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->version + source->sha256 + source->key, "2bbkey");
  EXPECT_TRUE(must(cache.remove(Kind::file, "key")));
  EXPECT_EQ(must(cache.find_fetch_record("digest")), std::nullopt);
}

TEST(Cache, TakesOverALedgerOfTheFirstVersion) {
  TreeBuilder folder;
  { must(must(Cache::open(folder.root())).get_or_make(Kind::tree, "kept", writes("x"))); }
  must(must(Database::open(folder / "ledger.db")).execute(k_back_to_the_first_version));
  Cache cache = must(Cache::open(folder.root()));
  EXPECT_THAT(keys(cache), testing::ElementsAre("kept"));
  EXPECT_EQ(must(cache.usage()).at(Kind::tree).entries, 1U);
  must(cache.remember_fetch("digest",
                            {.version = "1", .sha256 = "aa", .kind = Kind::tree, .key = "kept"}));
}

TEST(Cache, RefusesALedgerOfANewerVersion) {
  TreeBuilder folder;
  { must(Cache::open(folder.root())); }
  must(must(Database::open(folder / "ledger.db")).execute("PRAGMA user_version = 99"));
  EXPECT_THAT(Cache::open(folder.root()), IsError(Errc::invalid_argument, "newer rtenv"));
}

TEST(Cache, SaysWhereItCannotBe) {
  TreeBuilder folder;
  folder.file("file", "");
  EXPECT_THAT(Cache::open(folder / "file/cache"), IsError(Errc::invalid_argument, "file/cache"));
}

}  // namespace
}  // namespace rtenv::cache
