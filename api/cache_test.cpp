#include "rtenv/cache.hpp"

#include <gmock/gmock.h>

#include "rtenv/transfer.hpp"
#include "support/in_fork.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CacheApi : public testing::Test {
 protected:
  CacheApi() { tree_.file("data.txt", "data\n"); }

  // A pinned file is stored; others are used in place.
  [[nodiscard]] std::string uri() const {
    return "file://" + (tree_ / "data.txt").native() +
           "#sha256=6667b2d1aab6a00caa5aee5af8ad9f1465e567abf1c209d15727d57b3e8f6e5f";
  }

  TreeBuilder tree_;
  Cache cache_ = must(Cache::open(tree_ / "cache"));
};

TEST_F(CacheApi, ALeasedEntryStaysUntilTheLeaseEnds) {
  Fetched fetched = must(fetch_file(uri(), cache_));
  ASSERT_TRUE(fetched.lease.has_value());
  const auto entries = must(cache_.entries());
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].kind, EntryKind::file);
  EXPECT_THAT(cache_.remove(EntryKind::file, entries[0].key), IsError(Errc::busy));
  EXPECT_THAT(must(cache_.gc({.max_bytes = 0})).removed, IsEmpty());
  fetched.lease->release();
  fetched.lease->release();
  EXPECT_EQ(must(cache_.gc({.max_bytes = 0}, true)).removed.size(), 1U);
  EXPECT_EQ(must(cache_.gc({.max_bytes = 0})).removed.size(), 1U);
  EXPECT_THAT(must(cache_.entries()), IsEmpty());
}

TEST_F(CacheApi, TwoCachesOfOneFolderKnowEachOthersLeases) {
  const Fetched fetched = must(fetch_file(uri(), cache_));
  Cache other = must(Cache::open(tree_ / "cache"));
  EXPECT_THAT(must(other.gc({.max_bytes = 0})).removed, IsEmpty());
  EXPECT_TRUE(must(fetch_file(uri(), other)).from_cache);
}

TEST_F(CacheApi, APinProtectsAnEntry) {
  must(fetch_file(uri(), cache_)).lease->release();
  const std::string key = must(cache_.entries())[0].key;
  EXPECT_TRUE(must(cache_.pin(EntryKind::file, key, "mine")));
  EXPECT_THAT(must(cache_.entries())[0].pins, ElementsAre("mine"));
  EXPECT_THAT(must(cache_.gc({.max_bytes = 0})).removed, IsEmpty());
  EXPECT_TRUE(must(cache_.unpin(EntryKind::file, key, "mine")));
  EXPECT_FALSE(must(cache_.unpin(EntryKind::file, key, "mine")));
  EXPECT_TRUE(must(cache_.remove(EntryKind::file, key)));
  EXPECT_FALSE(must(cache_.remove(EntryKind::file, key)));
}

TEST_F(CacheApi, RefusesKeysThatArePathsAndUnknownKinds) {
  EXPECT_THAT(cache_.remove(EntryKind::tree, "../x"), IsError(Errc::invalid_argument));
  EXPECT_THAT(cache_.find(static_cast<EntryKind>(77), "x"), IsError(Errc::invalid_argument));
  EXPECT_FALSE(must(cache_.find(EntryKind::tree, "x")).has_value());
}

TEST_F(CacheApi, AnEndlessSpanMeansForEver) {
  must(fetch_file(uri(), cache_)).lease->release();
  const std::string key = must(cache_.entries())[0].key;
  constexpr auto k_for_ever = std::chrono::seconds::max();
  EXPECT_TRUE(must(cache_.pin(EntryKind::file, key, "mine", k_for_ever)));
  EXPECT_THAT(must(cache_.entries())[0].pins, ElementsAre("mine"));
  EXPECT_TRUE(must(cache_.unpin(EntryKind::file, key, "mine")));
  EXPECT_THAT(must(cache_.gc({.max_age = k_for_ever})).removed, IsEmpty());
  EXPECT_THAT(cache_.gc({.max_age = std::chrono::seconds(-1)}), IsError(Errc::invalid_argument));
  EXPECT_THAT(cache_.pin(EntryKind::file, key, "mine", std::chrono::seconds(-1)),
              IsError(Errc::invalid_argument));
}

TEST_F(CacheApi, AForkNeitherUsesNorEndsWhatItsParentHas) {
  std::optional<Fetched> fetched = must(fetch_file(uri(), cache_));
  in_fork([&] {
    EXPECT_THAT(cache_.entries(), IsError(Errc::invalid_argument));
    fetched.reset();
  });
  Cache other = must(Cache::open(tree_ / "cache"));
  EXPECT_THAT(must(other.gc({.max_bytes = 0})).removed, IsEmpty());
}

TEST_F(CacheApi, SettingsComeFromTheGivenVariables) {
  Options options;
  options.environment = Variables{{"RTENV_CACHE_DIR", "/somewhere"}};
  EXPECT_EQ(must(Cache::default_root(options)), "/somewhere");
  options.environment = Variables{};
  EXPECT_THAT(Cache::default_root(options), IsError(Errc::invalid_argument));
  CacheOptions wrong;
  wrong.environment = Variables{{"RTENV_CACHE_MAX_SIZE", "lots"}};
  EXPECT_THAT(Cache::open(tree_ / "other", wrong), IsError(Errc::invalid_argument));
  wrong.environment = Variables{};
  wrong.remote = RemoteCache{.uri = "local:///x"};
  EXPECT_THAT(Cache::open(tree_ / "other", wrong), IsError(Errc::invalid_argument));
}

}  // namespace
}  // namespace rtenv
