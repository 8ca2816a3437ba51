#include "cache/eviction.hpp"

#include <gmock/gmock.h>

#include "cache/inventory.hpp"

namespace rtenv::cache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t k_now_ms = 1'000'000'000;

EntryRow entry(KeyView key, std::uint64_t size_bytes, std::int64_t unused_s,
               Kind kind = Kind::tree) {
  return {.kind = kind,
          .key = key.owned(),
          .ready = true,
          .size_bytes = size_bytes,
          .last_used_ms = k_now_ms - unused_s * 1000};
}

std::vector<std::string> chosen(const Inventory& inventory, const Limits& limits,
                                std::uint64_t free_bytes = 0,
                                OutOfReach out_of_reach = OutOfReach::approach) {
  std::vector<std::string> result;
  for (const Removal& removal :
       choose_evictions(inventory, limits, free_bytes, k_now_ms, out_of_reach)) {
    const std::string item = inventory.is_part(removal.item)
                                 ? inventory.part(removal.item).path.native()
                                 : inventory.entries[removal.item].key.text();
    result.push_back(item + ":" + std::string(name(removal.reason)));
  }
  return result;
}

std::vector<std::string> chosen(const std::vector<EntryRow>& rows, const Limits& limits,
                                std::uint64_t free_bytes = 0,
                                OutOfReach out_of_reach = OutOfReach::approach) {
  return chosen(Inventory{.entries = rows}, limits, free_bytes, out_of_reach);
}

TEST(Eviction, KeepsEverythingWithoutLimits) {
  EXPECT_THAT(chosen({entry("a", 100, 1'000'000)}, {}), IsEmpty());
}

TEST(Eviction, EvictsTheLeastRecentlyUsedUntilTheRestFits) {
  const std::vector<EntryRow> rows{entry("a", 10, 30), entry("b", 10, 20), entry("c", 10, 10)};
  EXPECT_THAT(chosen(rows, {.max_bytes = 30}), IsEmpty());
  EXPECT_THAT(chosen(rows, {.max_bytes = 29}), ElementsAre("a:size"));
  EXPECT_THAT(chosen(rows, {.max_bytes = 10}), ElementsAre("a:size", "b:size"));
  EXPECT_THAT(chosen(rows, {.max_bytes = 0}), ElementsAre("a:size", "b:size", "c:size"));
}

TEST(Eviction, KeepsLeasedPinnedAndUnreadyEntries) {
  std::vector<EntryRow> rows{entry("held", 10, 40), entry("pinned", 10, 30),
                             entry("unready", 10, 20), entry("free", 10, 10)};
  rows[0].holder_pids = {1};
  rows[1].pins = {{.name = "upload", .expires_ms = std::nullopt}};
  rows[2].ready = false;
  EXPECT_THAT(chosen(rows, {.max_bytes = 0, .max_age = std::chrono::seconds(0)}),
              ElementsAre("free:age"));
}

TEST(Eviction, AgeIsMeasuredFromTheLastUse) {
  EXPECT_THAT(
      chosen({entry("old", 1, 61), entry("new", 1, 59)}, {.max_age = std::chrono::seconds(60)}),
      ElementsAre("old:age"));
}

TEST(Eviction, LimitsASingleKind) {
  const std::vector<EntryRow> rows{entry("tree", 10, 30), entry("env1", 10, 20, Kind::env),
                                   entry("env2", 10, 10, Kind::env)};
  EXPECT_THAT(chosen(rows, {.max_bytes_of_kind = {{Kind::env, 10}}}),
              ElementsAre("env1:kind_size"));
}

TEST(Eviction, BelowMinFreeBytesEvictsUntilTargetFreeBytes) {
  const std::vector<EntryRow> rows{entry("a", 10, 30), entry("b", 10, 20), entry("c", 10, 10)};
  const Limits limits{.min_free_bytes = 100, .target_free_bytes = 115};
  EXPECT_THAT(chosen(rows, limits, 100), IsEmpty());
  EXPECT_THAT(chosen(rows, limits, 99), ElementsAre("a:free_space", "b:free_space"));
  EXPECT_THAT(chosen(rows, {.min_free_bytes = 100}, 95), ElementsAre("a:free_space"));
}

TEST(Eviction, AKindInUseAboveItsLimitDoesNotDriveOutTheRest) {
  std::vector<EntryRow> rows{entry("a", 10, 30), entry("held", 100, 20), entry("b", 10, 10)};
  rows[1].holder_pids = {1};
  const Limits limits{.max_bytes_of_kind = {{Kind::tree, 15}}};
  EXPECT_THAT(chosen(rows, limits, 0, OutOfReach::spare_the_rest), ElementsAre("a:kind_size"));
}

TEST(Eviction, WhatIsInUseAboveTheLimitDoesNotDriveOutTheRest) {
  std::vector<EntryRow> rows{entry("a", 10, 30), entry("held", 100, 20), entry("b", 10, 10)};
  rows[1].holder_pids = {1};
  const auto spared = [&](std::uint64_t max_bytes) {
    return chosen(rows, {.max_bytes = max_bytes}, 0, OutOfReach::spare_the_rest);
  };
  EXPECT_THAT(spared(50), IsEmpty()) << "the rest alone is within the limit";
  EXPECT_THAT(spared(15), ElementsAre("a:size")) << "the rest alone isn't";
  EXPECT_THAT(spared(100), ElementsAre("a:size", "b:size")) << "the limit can be kept";
  EXPECT_THAT(chosen(rows, {.max_bytes = 50}), ElementsAre("a:size", "b:size"))
      << "as close as possible";
}

TEST(Eviction, NothingIsEvictedForFreeSpaceThatItCannotGive) {
  const std::vector<EntryRow> rows{entry("a", 10, 30), entry("b", 10, 20)};
  const auto spared = [&](const Limits& limits) {
    return chosen(rows, limits, 100, OutOfReach::spare_the_rest);
  };
  EXPECT_THAT(spared({.min_free_bytes = 121}), IsEmpty());
  EXPECT_THAT(spared({.min_free_bytes = 120}), ElementsAre("a:free_space", "b:free_space"));
  EXPECT_THAT(spared({.min_free_bytes = 105, .target_free_bytes = 200}),
              ElementsAre("a:free_space"));
  EXPECT_THAT(chosen(rows, {.min_free_bytes = 121}, 100),
              ElementsAre("a:free_space", "b:free_space"));
}

// Two environments of 1 byte each that share "numpy", and a part that no environment needs.
class EvictionOfLinkedFiles : public testing::Test {
 protected:
  void SetUp() override {
    inventory_.entries = {entry("env1", 1, 30, Kind::env), entry("env2", 1, 20, Kind::env)};
    inventory_.parts = {part("numpy", 50), part("unneeded", 10)};
    inventory_.parts[1].own_bytes = 100;
    inventory_.shared = {{.owners = {0, 1, 2}, .bytes = 1000}};
  }

  static Part part(const char* name, std::int64_t unused_s) {
    return {.path = name, .last_used_ms = k_now_ms - unused_s * 1000};
  }
  std::vector<std::string> spared(const Limits& limits, std::uint64_t free_bytes = 0) {
    return chosen(inventory_, limits, free_bytes, OutOfReach::spare_the_rest);
  }

  Inventory inventory_;
};

TEST_F(EvictionOfLinkedFiles, CountsThemOnce) {
  EXPECT_THAT(spared({.max_bytes = 1102}), IsEmpty());
}

TEST_F(EvictionOfLinkedFiles, BeginsWithPartsThatNoEnvironmentNeeds) {
  EXPECT_THAT(spared({.max_bytes = 1101}), ElementsAre("unneeded:size"));
  EXPECT_THAT(spared({.min_free_bytes = 100}), ElementsAre("unneeded:free_space"));
}

TEST_F(EvictionOfLinkedFiles, RemovesThemWithTheLastEnvironment) {
  EXPECT_THAT(spared({.max_bytes = 500}),
              ElementsAre("unneeded:size", "env1:size", "env2:size", "numpy:size"));
}

TEST_F(EvictionOfLinkedFiles, LeavesThemToAnEnvironmentInUse) {
  inventory_.entries[1].holder_pids = {1};
  EXPECT_THAT(chosen(inventory_, {.max_bytes = 0}), ElementsAre("unneeded:size", "env1:size"));
}

TEST_F(EvictionOfLinkedFiles, EvictsNoEnvironmentForFilesThatHaveNamesElsewhere) {
  inventory_.shared[0].names = SharedFiles::Names::some_elsewhere;
  inventory_.parts.pop_back();
  EXPECT_THAT(spared({.min_free_bytes = 500}), IsEmpty());
}

TEST_F(EvictionOfLinkedFiles, AppliesTheAgeToParts) {
  EXPECT_THAT(chosen(inventory_, {.max_age = std::chrono::seconds(5)}),
              ElementsAre("unneeded:age", "env1:age", "env2:age", "numpy:age"));
  EXPECT_THAT(chosen(inventory_, {.max_age = std::chrono::seconds(40)}), IsEmpty())
      << "environments still need the old part";
}

}  // namespace
}  // namespace rtenv::cache
