#include "cache/known_contents.hpp"

#include <gtest/gtest.h>

#include "cache/tree_digest.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cache {
namespace {

std::vector<TreeItem> digested(const TreeBuilder& files, const KnownContents& known) {
  auto items = must(list_tree(files.root(), {}));
  must(digest_files(files.root(), items, 2, nullptr, &known));
  return items;
}

TEST(KnownContents, GivesTheDigestOfALargeFileThatWasReadBefore) {
  const TreeBuilder cache;
  TreeBuilder files;
  const std::string content(KnownContents::k_min_bytes, 'x');
  files.file("large", content).file("small", "x");
  KnownContents known = KnownContents::open(cache.root());
  const auto items = digested(files, known);
  EXPECT_FALSE(known.find(content.size(), items[0].xxh3));
  known.remember(items);

  const KnownContents again = KnownContents::open(cache.root());
  EXPECT_EQ(again.find(content.size(), items[0].xxh3),
            Sha256::of(std::as_bytes(std::span(content))));
  EXPECT_FALSE(again.find(content.size() + 1, items[0].xxh3));
  EXPECT_FALSE(again.find(1, items[1].xxh3)) << "a small one";
}

TEST(KnownContents, IsUsedInsteadOfHashing) {
  const TreeBuilder cache;
  TreeBuilder files;
  files.file("f", std::string(300'000, 'x'));
  KnownContents known = KnownContents::open(cache.root());
  auto items = digested(files, known);
  items[0].sha256 = Sha256::Bytes{};
  known.remember(items);
  EXPECT_EQ(digested(files, known)[0].sha256, Sha256::Bytes{});
  files.file("f", std::string(300'000, 'y'));
  EXPECT_NE(digested(files, known)[0].sha256, Sha256::Bytes{}) << "another content";
}

// It is read once, for both digests.
TEST(KnownContents, KnowsWhichSizesItHas) {
  const TreeBuilder cache;
  TreeBuilder files;
  files.file("f", std::string(300'000, 'x'));
  KnownContents known = KnownContents::open(cache.root());
  EXPECT_FALSE(known.has_size(300'000));
  const auto items = digested(files, known);
  EXPECT_TRUE(items[0].sha256);
  known.remember(items);
  EXPECT_TRUE(known.has_size(300'000));
  EXPECT_FALSE(known.has_size(299'999));
  EXPECT_FALSE(known.has_size(300'001));
}

TEST(KnownContents, TreatsADamagedFileAsEmpty) {
  TreeBuilder cache;
  TreeBuilder files;
  files.file("f", std::string(300'000, 'x'));
  KnownContents known = KnownContents::open(cache.root());
  const auto items = digested(files, known);
  known.remember(items);
  const std::string saved = content_of(cache / "digests/contents");
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{16}, std::size_t{40}, saved.size() - 1}) {
    std::string damaged = saved;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    cache.file("digests/contents", damaged);
    EXPECT_FALSE(KnownContents::open(cache.root()).find(300'000, items[0].xxh3)) << at;
  }
  cache.file("digests/contents", saved.substr(0, saved.size() - 1));
  EXPECT_FALSE(KnownContents::open(cache.root()).find(300'000, items[0].xxh3)) << "truncated";
}

}  // namespace
}  // namespace rtenv::cache
