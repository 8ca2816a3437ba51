#include "cache/lease.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "base/clock.hpp"
#include "base/database.hpp"
#include "base/folder_entries.hpp"
#include "base/wait_scope.hpp"
#include "cache/cache_fixture.hpp"
#include "support/in_fork.hpp"
#include "support/scarce_memory.hpp"

namespace rtenv::cache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

using CacheLease = CacheFolder;

TEST_F(CacheLease, EndsWhenItsHolderDies) {
  in_killed_process([&] {
    Cache cache = open();
    // Never released.
    static const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
  });
  Cache cache = open();
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
  EXPECT_TRUE(must(cache.remove(Kind::tree, "k")));
}

TEST_F(CacheLease, IsNotEndedByItsCopyInAFork) {
  std::optional<Cache> cache = open();
  std::optional<Lease> lease = must(cache->get_or_build(Kind::tree, "k", writes("x")));
  in_fork([&] {
    EXPECT_THAT(cache->find(Kind::tree, "k"),
                IsError(Errc::invalid_argument, "before this process was forked"));
    lease.reset();
    cache.reset();
  });
  Cache other = open();
  EXPECT_THAT(other.remove(Kind::tree, "k"), IsError(Errc::busy));
  EXPECT_THAT(must(other.entries())[0].holder_pids, SizeIs(1));
  lease.reset();
  EXPECT_TRUE(must(other.remove(Kind::tree, "k")));
}

TEST_F(CacheLease, EndsWithoutMemory) {
  Cache cache = open();
  std::optional<Lease> lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
  {
    const ScarceMemory scarce(ScarceMemory::For::this_thread, ScarceMemory::Lack::lasting, 0);
    lease.reset();
  }
  EXPECT_TRUE(must(cache.remove(Kind::tree, "k")));
}

TEST_F(CacheLease, IsHeldByAChildThatInheritedItsLock) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Fd child_waits(ends[0]);
  Fd keeps_child(ends[1]);
  in_killed_process([&] {
    Cache cache = open();
    static const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
    if (::fork() == 0) {  // the job, which has the descriptor
      keeps_child.reset();
      char byte = 0;
      ::_exit(static_cast<int>(::read(child_waits.get(), &byte, 1)));
    }
  });
  {
    Cache cache = open();
    EXPECT_THAT(must(cache.entries())[0].holder_pids, SizeIs(1));
    EXPECT_THAT(cache.remove(Kind::tree, "k"), IsError(Errc::busy));
  }
  keeps_child.reset();  // the job ends
  for (int i = 0; i < 500; ++i) {
    Cache cache = open();
    if (must(cache.entries())[0].holder_pids.empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL() << "the lease outlived the job";
}

TEST_F(CacheLease, IsHeldAlsoWithoutItsLockFile) {
  Cache cache = open();
  std::optional<Lease> lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
  const TempDir temporary = must(cache.make_temp_dir());
  for (const auto& file : std::filesystem::directory_iterator(cache.root() / "locks"))
    std::filesystem::remove(file.path());
  Cache other = open();
  EXPECT_THAT(must(other.entries())[0].holder_pids, SizeIs(1));
  EXPECT_THAT(other.remove(Kind::tree, "k"), IsError(Errc::busy));
  EXPECT_TRUE(std::filesystem::exists(temporary.path()));
  lease.reset();
  EXPECT_TRUE(must(other.remove(Kind::tree, "k")));
}

TEST_F(CacheLease, EndsWithItsHolderAlsoWithoutItsLockFile) {
  in_killed_process([&] {
    Cache cache = open();
    static const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
  });
  for (const auto& file : std::filesystem::directory_iterator(folder_.root() / "locks"))
    std::filesystem::remove(file.path());
  Cache cache = open();
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
}

// Sets the last use of all entries, as if the clock had been another one then.
void set_last_uses(const Path& root, std::int64_t unix_time_ms) {
  must(must(Database::open(root / "ledger.db"))
           .execute(fmt::format("UPDATE entry SET last_used_ms = {}", unix_time_ms).c_str()));
}

TEST_F(CacheLease, IsAUseOfTheEntryUntilItEnds) {
  Cache cache = open();
  {
    const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
    set_last_uses(cache.root(), 1000);
  }
  EXPECT_GT(must(cache.entries())[0].last_used_ms, 1000);
}

TEST_F(CacheLease, ThatEndsWhileTheLedgerIsLockedIsReleasedByTheNextCall) {
  Cache cache = open();
  std::optional lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
  Database other = must(Database::open(cache.root() / "ledger.db"));
  must(other.execute("BEGIN IMMEDIATE"));
  const WaitScope no_patience(std::chrono::milliseconds(1));
  lease.reset();
  must(other.execute("COMMIT"));
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
}

TEST_F(CacheLease, SeveralEndSoonWhileTheLedgerIsLocked) {
  Cache cache = open();
  std::vector<Lease> leases;
  for (int i = 0; i < 20; ++i)
    leases.push_back(must(cache.get_or_build(Kind::tree, "k", writes("x"))));
  Database other = must(Database::open(cache.root() / "ledger.db"));
  must(other.execute("BEGIN IMMEDIATE"));
  const auto begin = std::chrono::steady_clock::now();
  leases.clear();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(CacheLease, EndsWithItsCacheAlsoIfTheLedgerIsLockedThen) {
  {
    std::optional cache = open();
    std::optional lease = must(cache->get_or_build(Kind::tree, "k", writes("x")));
    Database other = must(Database::open(cache->root() / "ledger.db"));
    must(other.execute("BEGIN IMMEDIATE"));
    const WaitScope no_patience(std::chrono::milliseconds(1));
    lease.reset();
    cache.reset();
    must(other.execute("COMMIT"));
  }
  Cache again = open();
  EXPECT_THAT(must(again.entries())[0].holder_pids, IsEmpty());
  for (const FolderEntry& lock : readable_entries(folder_.root() / "locks"))
    EXPECT_FALSE(lock.name().starts_with("holder-")) << lock.name();
}

TEST_F(CacheLease, OfACrashedProcessIsAUseUntilItIsNoticed) {
  in_killed_process([&] {
    Cache cache = open();
    static const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x")));
    set_last_uses(cache.root(), 1000);
  });
  Cache cache = open();
  EXPECT_GT(must(cache.entries())[0].last_used_ms, 1000);
}

TEST_F(CacheLease, OfTheFutureIsForgottenByTheCollector) {
  Cache cache = open();
  for (const KeyView key : std::initializer_list<KeyView>{"a", "b"})
    must(cache.get_or_build(Kind::tree, key, writes("x")));
  constexpr std::int64_t k_year_3000_ms = 32'503'680'000'000;
  set_last_uses(cache.root(), k_year_3000_ms);
  must(cache.collect({}, false));
  for (const EntryRow& row : must(cache.entries())) EXPECT_LE(row.last_used_ms, unix_ms());
}

TEST_F(CacheLease, EndsWhileAnotherProcessEvicts) {
  Cache cache = open({.limits = {.max_bytes = 0}});
  const LockFile collector = must(LockFile::acquire(cache.root() / "locks/collector"));
  { const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x"))); }
  cache.enforce_limits();
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
}

TEST_F(CacheLease, ReleasesTheEntryButDoesNotEvictIt) {
  Cache cache = open({.limits = {.max_bytes = 0}});
  { const Lease lease = must(cache.get_or_build(Kind::tree, "k", writes("x"))); }
  EXPECT_THAT(must(cache.entries())[0].holder_pids, IsEmpty());
  EXPECT_THAT(keys(cache), SizeIs(1));
  cache.enforce_limits();
  EXPECT_THAT(keys(cache), IsEmpty());
}

}  // namespace
}  // namespace rtenv::cache
