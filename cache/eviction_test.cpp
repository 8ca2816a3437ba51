#include "cache/eviction.hpp"

#include <gmock/gmock.h>

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

std::vector<std::string> chosen(const std::vector<EntryRow>& rows, const Limits& limits,
                                std::uint64_t free_bytes = 0) {
  std::vector<std::string> result;
  for (const Eviction& eviction : choose_evictions(rows, limits, free_bytes, k_now_ms))
    result.push_back(eviction.entry.key.text() + ":" + std::string(name(eviction.reason)));
  return result;
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

}  // namespace
}  // namespace rtenv::cache
