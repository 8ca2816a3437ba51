#include "cache/ledger.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/process_identity.hpp"
#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

TEST(Ledger, NeverUsesAnIdTwice) {
  TreeBuilder folder;
  Ledger ledger = must(Ledger::open(folder / "ledger.db"));
  std::set<HolderId> seen;
  for (int i = 0; i < 100; ++i) {
    const HolderId id = must(ledger.add_holder("holder"));
    EXPECT_TRUE(seen.insert(id).second);
    must(ledger.remove_holder(id));
  }
}

TEST(Ledger, OfTheVersionBeforeIsMigrated) {
  TreeBuilder folder;
  {
    must(Ledger::open(folder / "ledger.db"));
    Database database = must(Database::open(folder / "ledger.db"));
    must(
        database.execute("ALTER TABLE holder DROP COLUMN identity; "
                         "ALTER TABLE entry DROP COLUMN builder; "
                         "ALTER TABLE entry DROP COLUMN builder_lock; "
                         "CREATE TABLE content (digest TEXT); PRAGMA user_version = 5"));
  }
  Ledger ledger = must(Ledger::open(folder / "ledger.db"));
  must(ledger.add_holder("holder"));
  EXPECT_EQ(must(ledger.holders())[0].identity, process_identity());
}

TEST(Ledger, DoesNotShowRowsWhoseKeyIsNoKey) {
  TreeBuilder folder;
  Ledger ledger = must(Ledger::open(folder / "ledger.db"));
  Database database = must(Database::open(folder / "ledger.db"));
  for (const char* key : {"..", "", "../trees", "good"})
    must(
        database.execute(fmt::format("INSERT INTO entry (kind, key, ready, size_bytes, created_ms, "
                                     "last_used_ms) VALUES ('env', '{}', 1, 0, 0, 0)",
                                     key)
                             .c_str()));
  const auto rows = must(ledger.entries());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].key, "good");
}

using CacheUsage = OpenCache;

TEST_F(CacheUsage, CountsHitsMissesAndSavedBytes) {
  for (int i = 0; i < 4; ++i) must(build(Kind::tree, "a"));
  EXPECT_EQ(must(cache_.find(Kind::tree, "none")), std::nullopt);
  const KindUsage before = must(cache_.usage()).at(Kind::tree);
  EXPECT_EQ(before.hits, 3U);
  EXPECT_EQ(before.misses, 1U);
  EXPECT_EQ(before.saved_bytes, 3 * before.size_bytes);
  EXPECT_TRUE(must(cache_.remove(Kind::tree, "a")));
  const KindUsage after = must(cache_.usage()).at(Kind::tree);
  EXPECT_EQ(after.hits, 3U) << "removed entries count";
  EXPECT_EQ(after.saved_bytes, before.saved_bytes);
  EXPECT_EQ(after.entries + after.size_bytes, 0U);
}

using CacheFetchRecord = OpenCache;

TEST_F(CacheFetchRecord, IsDeletedWithItsEntry) {
  EXPECT_EQ(must(cache_.find_fetch_record("digest")), std::nullopt);
  must(build(Kind::file, "key"));
  const EntryName name{Kind::file, KeyView("key").owned()};
  must(cache_.remember_fetch("digest", {.version = "1", .sha256 = "aa", .entry = name}));
  must(cache_.remember_fetch("digest", {.version = "2", .sha256 = "bb", .entry = name}));
  const auto record = must(cache_.find_fetch_record("digest"));
  ASSERT_TRUE(record);
  EXPECT_EQ(record->version + record->sha256 + record->entry.key.text(), "2bbkey");
  EXPECT_TRUE(must(cache_.remove(Kind::file, "key")));
  EXPECT_EQ(must(cache_.find_fetch_record("digest")), std::nullopt);
}

}  // namespace
}  // namespace rtenv::cache
