#include "rtenv/cache.hpp"

#include <gmock/gmock.h>

#include "base/temp_dir.hpp"
#include "rtenv/package.hpp"
#include "rtenv/transfer.hpp"
#include "support/in_fork.hpp"
#include "support/own_process.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;
using testing::Field;
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
  EXPECT_EQ(fetched.lease->key(), entries[0].key);
  EXPECT_EQ(fetched.lease->kind(), EntryKind::file);
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
  EXPECT_THAT(must(cache_.entries())[0].pins, ElementsAre(Field(&CachePin::name, "mine")));
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
  EXPECT_THAT(must(cache_.entries())[0].pins, ElementsAre(Field(&CachePin::name, "mine")));
  EXPECT_TRUE(must(cache_.unpin(EntryKind::file, key, "mine")));
  EXPECT_THAT(must(cache_.gc({.max_age = k_for_ever})).removed, IsEmpty());
  EXPECT_THAT(cache_.gc({.max_age = std::chrono::seconds(-1)}), IsError(Errc::invalid_argument));
  EXPECT_THAT(cache_.gc({.min_free_bytes = 2, .target_free_bytes = 1}),
              IsError(Errc::invalid_argument, "target_free_bytes, 1, is less"));
  EXPECT_THAT(cache_.pin(EntryKind::file, key, "mine", std::chrono::seconds(-1)),
              IsError(Errc::invalid_argument));
}

TEST_F(CacheApi, SaysWhatIsInItAndWhetherItIsIntact) {
  std::optional<Fetched> fetched = must(fetch_file(uri(), cache_));
  const Path file = fetched->path;
  const KindUsage usage = must(cache_.usage()).at(EntryKind::file);
  EXPECT_EQ(usage.entries, 1U);
  EXPECT_EQ(usage.misses, 1U);
  EXPECT_GT(must(cache_.measure()).entry_bytes, 0U);
  EXPECT_GT(must(cache_.size_bytes()), 0U);
  EXPECT_EQ(must(cache_.verify()).intact, 1U);

  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::filesystem::resize_file(file, 1);
  EXPECT_EQ(must(cache_.verify()).damaged_in_use.size(), 1U);
  fetched.reset();
  const VerifyReport report = must(cache_.verify());
  ASSERT_EQ(report.quarantined.size(), 1U);
  EXPECT_EQ(name(report.quarantined[0].kind), "file");
  EXPECT_THAT(must(cache_.entries()), IsEmpty());
}

TEST_F(CacheApi, KindsMayHaveLimitsOfTheirOwn) {
  (void)must(fetch_file(uri(), cache_));
  EXPECT_THAT(must(cache_.gc({.max_bytes_of_kind = {{EntryKind::env, 0}}})).removed, IsEmpty());
  const GcReport report = must(cache_.gc({.max_bytes_of_kind = {{EntryKind::file, 0}}}));
  ASSERT_EQ(report.removed.size(), 1U);
  EXPECT_EQ(report.removed[0].reason, "kind_size");
  EXPECT_EQ(entry_kind("file"), EntryKind::file);
  EXPECT_EQ(entry_kind("files"), std::nullopt);
  CacheOptions options{.limits = CacheLimits{.max_bytes_of_kind = {{EntryKind::file, 7}}}};
  EXPECT_EQ(must(Cache::open(tree_ / "cache", options)).limits().max_bytes_of_kind,
            options.limits->max_bytes_of_kind);
}

TEST_F(CacheApi, OpeningItCanBeStopped) {
  std::stop_source source;
  source.request_stop();
  CacheOptions options;
  options.stop = source.get_token();
  EXPECT_THAT(Cache::open(tree_ / "cache", options), IsError(Errc::cancelled));
}

TEST_F(CacheApi, ARemoteCacheCanBeLeftOut) {
  CacheOptions options;
  options.environment = Variables{{"RTENV_REMOTE_CACHE", (tree_ / "remote").native()},
                                  {"HOME", tree_.root().native()}};
  options.no_remote = true;
  EXPECT_THAT(must(Cache::open(tree_ / "cache", options)).flush(), IsError(Errc::invalid_argument));
  options.remote = RemoteCache{.uri = "s3://bucket/"};
  EXPECT_THAT(Cache::open(tree_ / "cache", options), IsError(Errc::invalid_argument));
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

// Else its locks would be lost, or descriptors: see OpenDatabases.
TEST_F(CacheApi, AnOpenCacheIsNotPacked) {
  const TempDir other = must(TempDir::create());
  const std::size_t before = count_descriptors();
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(name_directory(tree_.root()), IsError(Errc::busy, "cache/ledger.db"));
  EXPECT_EQ(count_descriptors(), before);
  PackOptions without_cache;
  without_cache.excludes = {"/cache"};
  EXPECT_THAT(name_directory(tree_.root(), without_cache), IsOk());
  cache_ = must(Cache::open(other.path()));
  EXPECT_THAT(name_directory(tree_.root()), IsOk()) << "it isn't open any more";
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
