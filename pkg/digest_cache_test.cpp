#include "pkg/digest_cache.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <thread>

#include "base/hash.hpp"
#include "pkg/package.hpp"
#include "pkg/scan.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::pkg {
namespace {

using namespace std::chrono_literals;

// Short, to keep the tests fast; longer than a tick of any kernel's clock.
constexpr std::chrono::nanoseconds k_settle_time = 30ms;

class DigestCacheTest : public testing::TestWithParam<Scheme> {
 protected:
  std::string name(bool use_cache = true) {
    PackageOptions options{.scan = {}, .zip = {.scheme = GetParam(), .threads = 2}};
    if (use_cache) options.digest_cache = cache_.root();
    options.settle_time = k_settle_time;
    return must(name_directory(tree_.root(), options)).name().digits();
  }
  // Waits until the files written so far may be cached.
  static void settle() { std::this_thread::sleep_for(2 * k_settle_time); }
  // The content of the only cache file; empty if there is none.
  std::string cached() {
    for (const auto& file : std::filesystem::directory_iterator(cache_.root()))
      return content_of(file.path());
    return "";
  }

  TreeBuilder tree_;
  TreeBuilder cache_;
};

TEST_P(DigestCacheTest, UnchangedFilesAreNotCachedAgain) {
  tree_.file("a/b", "123")
      .file("c", "")
      .file("d", std::string(3'000'000, 'x'))
      .file("x", "#!", 0755);
  settle();
  const std::string cold = name();
  EXPECT_EQ(cold, name(false));
  EXPECT_EQ(name(), cold);
  const std::string before = cached();
  ASSERT_NE(before, "");
  EXPECT_EQ(name(), cold);
  EXPECT_EQ(cached(), before) << "nothing new to cache";
}

TEST_P(DigestCacheTest, DetectsChangesOfEqualSize) {
  tree_.file("f", "one").file("g", "same");
  settle();
  const auto expect_change = [&](const char* what, const auto& change) {
    const std::string before = name();
    struct stat status {};
    ASSERT_EQ(::stat((tree_ / "f").c_str(), &status), 0);
    change(status);
    EXPECT_EQ(name(), name(false)) << what;
    EXPECT_NE(name(), before) << what;
    settle();
    EXPECT_EQ(name(), name(false)) << what << ", settled";
  };
  expect_change("an edit of equal size with its mtime restored", [&](const struct stat& status) {
    tree_.file("f", "two");
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, (tree_ / "f").c_str(), times.data(), 0), 0);
  });
  expect_change("another file of equal size and mtime in its place",
                [&](const struct stat& status) {
                  tree_.file("new", "six");
                  const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
                  ASSERT_EQ(::utimensat(AT_FDCWD, (tree_ / "new").c_str(), times.data(), 0), 0);
                  std::filesystem::rename(tree_ / "new", tree_ / "f");
                });
  expect_change("two files that change places", [&](const struct stat&) {
    std::filesystem::rename(tree_ / "f", tree_ / "t");
    std::filesystem::rename(tree_ / "g", tree_ / "f");
    std::filesystem::rename(tree_ / "t", tree_ / "g");
  });
}

TEST_P(DigestCacheTest, DetectsChangesThatLeaveTheFilesAlone) {
  tree_.file("a/f", "1").file("b", "2").file("run", "3");
  std::filesystem::create_symlink("b", tree_ / "link");
  const auto expect_new_name = [&](const char* what) {
    settle();
    const std::string cached = name();
    EXPECT_EQ(cached, name()) << what;
    EXPECT_EQ(cached, name(false)) << what;
  };
  expect_new_name("at first");
  std::filesystem::create_directories(tree_ / "a/empty");
  expect_new_name("a new folder");
  std::filesystem::rename(tree_ / "a/empty", tree_ / "a/void");
  expect_new_name("another name");
  std::filesystem::remove(tree_ / "link");
  std::filesystem::create_symlink("run", tree_ / "link");
  expect_new_name("another target");
  std::filesystem::permissions(tree_ / "run", std::filesystem::perms::owner_all);
  expect_new_name("executable");
  std::filesystem::rename(tree_ / "a", tree_ / "c");
  expect_new_name("a renamed folder");
  std::filesystem::remove(tree_ / "b");
  expect_new_name("one file less");
  tree_.file(".gitignore", "run\n");
  expect_new_name("an excluded file");
  std::filesystem::remove_all(tree_ / "c");
  expect_new_name("one folder less");
}

TEST_P(DigestCacheTest, DetectsAnEditWithinTheSameClockTick) {
  // Written, named and written again within a few milliseconds: the times may be the same.
  for (int i = 0; i < 300; ++i) {
    tree_.file("f", i % 2 == 0 ? "even" : "odd.");
    ASSERT_EQ(name(), name(false)) << "round " << i;
  }
}

TEST_P(DigestCacheTest, DoesNotCacheARecentlyChangedFile) {
  tree_.file("old", "1");
  settle();
  tree_.file("new", "2");
  const std::string before = name();
  const std::string one_file = cached();
  settle();
  EXPECT_EQ(name(), before);
  EXPECT_NE(cached(), one_file) << "both files are cached now";
}

TEST_P(DigestCacheTest, TreatsADamagedFileAsEmpty) {
  tree_.file("f", "1").file("g", "2");
  settle();
  const std::string right = name();
  for (const auto& file : std::filesystem::directory_iterator(cache_.root())) {
    std::string content = content_of(file.path());
    for (const std::size_t at :
         {std::size_t{0}, std::size_t{20}, std::size_t{40}, content.size() - 1}) {
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ 1);
      cache_.file(file.path().filename().native(), damaged);
      EXPECT_EQ(name(), right) << "byte " << at;
    }
    cache_.file(file.path().filename().native(), content.substr(0, content.size() / 2));
    EXPECT_EQ(name(), right) << "truncated";
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, DigestCacheTest,
                         testing::Values(Scheme::xxh3, Scheme::ray, Scheme::sha256),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST(DigestCache, CachedFilesAreNotRead) {
  TreeBuilder files;
  TreeBuilder cache;
  files.file("f", "1");
  Tree tree = must(scan(files.root(), {}));
  const std::string read = must(digest(tree, {})).digits();
  tree.entries[0].stamp = {1, 2};
  DigestCache(cache.root(), {}, Scheme::xxh3)
      .save(tree.entries, {ContentDigest(Xxh3::of({}))}, std::nullopt);
  DigestCache wrong_cache(cache.root(), {}, Scheme::xxh3);
  wrong_cache.load();
  EXPECT_NE(must(digest(tree, {.cache = &wrong_cache})).digits(), read);
}

TEST(DigestCache, AnUnchangedTreeIsNamedByItsStamp) {
  TreeBuilder files;
  TreeBuilder cache;
  files.file("f", "1");
  std::this_thread::sleep_for(2 * k_settle_time);
  const ScanOptions options{.settle_time = k_settle_time};
  const Scan scan = must(Scan::run(files.root(), options));
  const auto stamp = scan.stamp();
  ASSERT_TRUE(stamp);
  const PackageName saved(Scheme::xxh3, std::string(32, '7'));
  DigestCache(cache.root(), scan.stamper().root(), Scheme::xxh3)
      .save({}, {}, DigestCache::NamedTree{*stamp, saved});
  auto named = must(
      name_directory(files.root(), {.digest_cache = cache.root(), .settle_time = k_settle_time}));
  EXPECT_EQ(named.name(), saved);
  EXPECT_EQ(named.tree().entries.size(), 1U);
  files.file("f", "2");
  EXPECT_FALSE(must(Scan::run(files.root(), options)).stamp()) << "a file that changed just now";
}

// The path leads to another file between the scan and the reading, and back.
TEST(DigestCache, KeepsTheDigestOfNoFileButTheStampedOne) {
  TreeBuilder files;
  TreeBuilder outside;
  outside.file("one", "1").file("two", "2");
  std::filesystem::create_symlink(outside / "one", files.root() / "f");
  std::this_thread::sleep_for(2 * k_settle_time);
  Tree tree = must(scan(files.root(), {.links = Links::follow, .settle_time = k_settle_time}));
  std::filesystem::remove(files.root() / "f");
  std::filesystem::create_symlink(outside / "two", files.root() / "f");
  const FileStamp scanned = tree.entries[0].stamp;
  must(digest(tree, {.scheme = Scheme::ray}));
  EXPECT_NE(tree.entries[0].stamp, scanned) << "of what was read";
}

TEST(DigestCache, IgnoresWhatIsNotAFile) {
  TreeBuilder cache;
  const FileStamp root{1, 2};
  DigestCache(cache.root(), root, Scheme::xxh3).save({}, {}, std::nullopt);
  const Path file = std::filesystem::directory_iterator(cache.root())->path();
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_FALSE(DigestCache(cache.root(), root, Scheme::xxh3).find_name({3, 4}));
}

TEST(FileStamper, StampsOnUntrustedFileSystemsAreNeverSettled) {
  const FileStamper stamper = must(FileStamper::begin(must(open_file("/proc", O_PATH))));
  EXPECT_FALSE(stamper.is_trusted());
  struct stat status {};
  ASSERT_EQ(::stat("/proc/version", &status), 0);
  status.st_mtim = status.st_ctim = {};
  EXPECT_FALSE(stamper.stamp(status, "version").is_settled());
}

TEST(DigestCache, UnusedFilesExpire) {
  TreeBuilder cache;
  cache.file("xxh3-old", "x").file("xxh3-used", "x");
  const timespec long_ago{.tv_sec = ::time(nullptr) - 60L * 24 * 3600, .tv_nsec = 0};
  const std::array<timespec, 2> times{long_ago, long_ago};
  ASSERT_EQ(::utimensat(AT_FDCWD, (cache / "xxh3-old").c_str(), times.data(), 0), 0);
  const std::vector<Entry> entries{{.path = "f", .stamp = {1, 2}, .link_target = {}}};
  DigestCache saved(cache.root(), {3, 4}, Scheme::xxh3);
  saved.save(entries, {ContentDigest(Xxh3::of({}))}, std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(cache / "xxh3-old"));
  EXPECT_TRUE(std::filesystem::exists(cache / "xxh3-used"));
  saved.load();
  EXPECT_TRUE(saved.find({1, 2}));
}

}  // namespace
}  // namespace rtenv::pkg
