#include "cache/collector.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <utility>

#include "base/fault_point.hpp"
#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using CacheCollect = OpenCache;

TEST_F(CacheCollect, EvictsTheLeastRecentlyUsedFirstAndNeverALeasedEntry) {
  const std::string megabyte(1 << 20, 'x');
  for (const KeyView key : std::initializer_list<KeyView>{"a", "b", "c", "d"}) {
    must(build(Kind::tree, key, megabyte));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  must(cache_.find(Kind::tree, "a"));  // now the most recently used
  const Lease held = std::move(*must(cache_.find(Kind::tree, "b")));
  constexpr std::uint64_t k_two_and_a_half = 5 << 19;

  const auto planned = must(cache_.collect({.max_bytes = k_two_and_a_half}, true));
  EXPECT_THAT(planned.removed, SizeIs(2));
  EXPECT_THAT(keys(cache_), SizeIs(4)) << "a dry run removes nothing";

  const auto report = must(cache_.collect({.max_bytes = k_two_and_a_half}, false));
  EXPECT_EQ(report.removed[0].entry.key, "c");
  EXPECT_EQ(report.removed[1].entry.key, "d");
  EXPECT_GE(report.freed_bytes, 2U << 20);
  EXPECT_GE(report.held_bytes, 1U << 20);
  EXPECT_THAT(keys(cache_), testing::UnorderedElementsAre("a", "b"));
  EXPECT_THAT(must(cache_.collect({.max_bytes = 0}, false)).removed, SizeIs(1));
  EXPECT_EQ(content_of(held.path() / "file"), megabyte);
}

TEST_F(CacheCollect, RemovesFoldersThatAreNotInTheLedger) {
  folder_.file("trees/orphan/file", "x").file("envs/orphan/file", "x");
  must(cache_.collect({.max_bytes = 1 << 30}, false));
  EXPECT_EQ(count_in(folder_ / "trees") + count_in(folder_ / "envs"), 0U);
}

TEST_F(CacheCollect, RemovesTheFilesOfEvictedEntries) {
  must(build(Kind::tree, "a"));
  EXPECT_THAT(must(cache_.collect({.max_bytes = 0}, false)).removed, SizeIs(1));
  for (const auto& holder : std::filesystem::directory_iterator(folder_ / "tmp"))
    EXPECT_EQ(count_in(holder.path()), 0U);
}

TEST_F(CacheCollect, LimitsTheFoldersThatHaveNoEntries) {
  for (int i = 0; i < 300; ++i) {
    folder_.file(fmt::format("quarantine/tree-{}/file", i), "x");
    folder_.file(fmt::format("logs/env-{}.log", i), "x");
    folder_.file(fmt::format("interpreters/{}.json", i), "x");
  }
  must(cache_.collect({}, false));
  EXPECT_LT(count_in(folder_ / "quarantine"), 50U);
  EXPECT_LT(count_in(folder_ / "logs"), 300U);
  EXPECT_LT(count_in(folder_ / "interpreters"), 300U);
}

TEST_F(CacheCollect, IsNotNeededToLimitFoldersAndLocks) {
  for (int i = 0; i < 1100; ++i) folder_.file(fmt::format("locks/tree-{}", i), "");
  for (int i = 0; i < 300; ++i) folder_.file(fmt::format("logs/env-{}.log", i), "x");
  must(build(Kind::tree, "a"));
  EXPECT_LT(count_in(folder_ / "locks"), 10U);
  EXPECT_LT(count_in(folder_ / "logs"), 300U);
}

TEST_F(CacheCollect, IsCancelledBetweenEvictions) {
  must(build(Kind::tree, "a"));
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(cache_.collect({.max_bytes = 0}, false, &cancellation), IsError(Errc::cancelled));
  EXPECT_THAT(keys(cache_), ElementsAre("a"));
}

// Calls a function at the first eviction; its result is the errno with which that one fails.
class AtFirstEviction {
 public:
  explicit AtFirstEviction(std::function<int()> action) {
    pending() = std::move(action);
    fault_hook = [](const char* point) {
      if (std::string_view(point) != "remove.begun") return 0;
      const auto now = std::exchange(pending(), nullptr);
      return now ? now() : 0;
    };
  }
  AtFirstEviction(const AtFirstEviction&) = delete;
  AtFirstEviction& operator=(const AtFirstEviction&) = delete;
  ~AtFirstEviction() { fault_hook = nullptr; }

 private:
  static std::function<int()>& pending() {
    static std::function<int()> action;
    return action;
  }
};

TEST_F(CacheCollect, GoesOnAfterAnEvictionThatFails) {
  must(build(Kind::tree, "a"));
  must(build(Kind::tree, "b"));
  const AtFirstEviction fails([] { return EIO; });
  EXPECT_THAT(must(cache_.collect({.max_bytes = 0}, false)).removed, SizeIs(1));
  EXPECT_THAT(keys(cache_), ElementsAre("a"));
}

class CacheLimits : public CacheFolder {
 protected:
  [[nodiscard]] Result<Lease> build(KeyView key) {
    return cache_.get_or_build(Kind::tree, key, writes(std::string(12'000, 'x')));
  }

  // One entry fits, two don't: a folder may take up a block or none.
  Cache cache_ = open({.limits = {.max_bytes = 20'000}});
};

TEST_F(CacheLimits, AreEnforcedAsSoonAsLeasesAllow) {
  auto a = std::optional(must(build("a")));
  auto b = std::optional(must(build("b")));
  EXPECT_THAT(keys(cache_), ElementsAre("a", "b")) << "beyond the limit, but leased";
  b.reset();
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("a"));
  { must(build("c")); }
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("a"));
  a.reset();
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("a")) << "within the limit";
  EXPECT_EQ(must(cache_.usage()).at(Kind::tree).evictions, 2U);
}

TEST_F(CacheLimits, AreEnforcedWhenTheNextEntryIsBuilt) {
  must(build("a"));
  const Lease b = must(build("b"));
  EXPECT_THAT(keys(cache_), ElementsAre("b"));
}

TEST_F(CacheLimits, EvictAnEntryThatIsNoLongerPinned) {
  must(build("a"));
  EXPECT_TRUE(must(cache_.pin(Kind::tree, "a", {.name = "p", .expires_ms = {}})));
  const Lease b = must(build("b"));
  EXPECT_THAT(keys(cache_), ElementsAre("a", "b"));
  EXPECT_TRUE(must(cache_.unpin(Kind::tree, "a", "p")));
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("b"));
}

TEST_F(CacheLimits, AreEnforcedWithoutWaitingForAnotherProcess) {
  auto a = std::optional(must(build("a")));
  auto b = std::optional(must(build("b")));
  auto c = std::optional(must(build("c")));
  Cache other = open({.limits = {.max_bytes = 20'000}});
  std::optional<Lease> a_of_other = must(other.find(Kind::tree, "a"));
  a.reset();
  b.reset();
  c.reset();
  // With a and d in use, the limit is out of reach, and only one of b and c has to go.
  const AtFirstEviction releases([&] {
    a_of_other.reset();
    other.enforce_limits();
    return 0;
  });
  const Lease d = must(build("d"));
  EXPECT_THAT(keys(cache_), ElementsAre("d"))
      << "whoever evicts looks again at what another process released meanwhile";
}

TEST_F(CacheLimits, AreNotPursuedWhenWhatIsInUseExceedsThem) {
  const Lease a = must(build("a"));
  const Lease b = must(build("b"));
  { must(build("c")); }
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("a", "b", "c"));
  { must(build("d")); }
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("a", "b", "d")) << "they apply to the rest alone";
}

TEST_F(CacheLimits, AreNotEnforcedByACacheThatReleasedNoLease) {
  auto a = std::optional(must(build("a")));
  auto b = std::optional(must(build("b")));
  a.reset();
  Cache reader = open({.limits = {.max_bytes = 20'000}});
  reader.enforce_limits();
  EXPECT_THAT(keys(reader), SizeIs(2));
  cache_.enforce_limits();
  EXPECT_THAT(keys(cache_), ElementsAre("b"));
}

}  // namespace
}  // namespace rtenv::cache
