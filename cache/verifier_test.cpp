#include "cache/verifier.hpp"

#include <gtest/gtest.h>

#include "base/database.hpp"
#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

using testing::SizeIs;

class CacheVerify : public OpenCache {
 protected:
  void damage(KeyView key) const {
    const Path file = cache_.path_of(Kind::tree, key) / "file";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::ofstream(file) << "other";
  }
};

TEST_F(CacheVerify, QuarantinesChangedEntries) {
  for (const KeyView key : std::initializer_list<KeyView>{"good", "changed", "held", "gone"})
    must(build(Kind::tree, key, std::string(key.text())));
  EXPECT_EQ(must(cache_.verify(2)).checked, 4U);
  damage("changed");
  damage("held");
  must(remove_tree(cache_.path_of(Kind::tree, "gone")));
  {
    const auto held = must(cache_.find(Kind::tree, "held"));
    const VerifyReport report = must(cache_.verify(2));
    EXPECT_EQ(report.checked, 1U);
    ASSERT_THAT(report.quarantined, SizeIs(1));
    EXPECT_EQ(report.quarantined[0].key, "changed");
    ASSERT_THAT(report.damaged_in_use, SizeIs(1));
    EXPECT_EQ(report.damaged_in_use[0].key, "held");
    ASSERT_THAT(report.missing, SizeIs(1));
    EXPECT_EQ(report.missing[0].key, "gone");
  }
  EXPECT_EQ(count_in(folder_ / "quarantine"), 1U);
  EXPECT_THAT(keys(cache_), testing::UnorderedElementsAre("good", "held"));
  EXPECT_THAT(must(cache_.verify(2)).quarantined, SizeIs(1)) << "no longer leased";
  must(build(Kind::tree, "changed", "changed"));
}

TEST_F(CacheVerify, ACancellationSaysNothingAboutTheEntries) {
  must(build(Kind::tree, "t", "t"));
  damage("t");
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(cache_.verify(1, &cancellation), IsError(Errc::cancelled));
  EXPECT_THAT(keys(cache_), testing::ElementsAre("t"));
}

TEST_F(CacheVerify, SkipsCopiesBecauseTheyChange) {
  must(build(Kind::copy, "c"));
  folder_.file("copies/c/more", "written by a job");
  const VerifyReport report = must(cache_.verify(1));
  EXPECT_EQ(report.checked + report.recorded, 0U);
  EXPECT_THAT(report.quarantined, SizeIs(0));
}

TEST_F(CacheVerify, FindsTheFirstChangeOfAnEnvironmentButIgnoresBytecode) {
  must(build(Kind::env, "e"));
  folder_.file("envs/e/__pycache__/m.pyc", "compiled");
  EXPECT_EQ(must(cache_.verify(1)).checked, 1U);
  folder_.file("envs/e/file", "X");  // one other byte
  EXPECT_THAT(must(cache_.verify(1)).quarantined, SizeIs(1));
}

TEST_F(CacheVerify, FindsAChangeOfAFileThatTwoEnvironmentsShare) {
  must(build(Kind::env, "a"));
  must(cache_.get_or_build(Kind::env, "b", [&](const BuildContext& context) -> Result<void> {
    RTENV_TRY(make_directories(context.target));
    std::filesystem::create_hard_link(folder_ / "envs/a/file", context.target / "file");
    return {};
  }));
  std::ofstream(folder_ / "envs/b/file", std::ios::app) << "written through the link";
  EXPECT_THAT(must(cache_.verify(1)).quarantined, SizeIs(2));
}

TEST_F(CacheVerify, TrustsTheDigestThatTheBuilderComputed) {
  must(cache_.get_or_build(
      Kind::env, "e", writes("what the builder saw"),
      {.wait = {}, .use_remote_tier = false, .relocate = {}, .built_digest = [] {
         return std::string("of something else");
       }}));
  EXPECT_THAT(must(cache_.verify(1)).quarantined, SizeIs(1));
}

TEST_F(CacheVerify, RecordsTheDigestOfAnEnvironmentFromAnEarlierVersion) {
  must(build(Kind::env, "e"));
  auto ledger = Database::open(folder_ / "ledger.db");
  ASSERT_THAT(ledger, IsOk());
  must(ledger->execute("UPDATE entry SET digest = ''"));
  EXPECT_EQ(must(cache_.verify(1)).recorded, 1U);
  EXPECT_EQ(must(cache_.verify(1)).checked, 1U);
}

}  // namespace
}  // namespace rtenv::cache
