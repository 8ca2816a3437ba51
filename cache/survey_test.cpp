// What the cache counts is what is on the disk, also where environments are hard links to files of
// uv's own cache.
#include "cache/survey.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/tree_usage.hpp"
#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t k_megabyte = 1 << 20;

class CacheOfLinkedEnvs : public CacheFolder {
 protected:
  // As uv unpacks a wheel.
  void add_archive(const std::string& name) {
    folder_.file("uv/archive-v0/" + name + "/module.py", std::string(k_megabyte, 'x'));
  }
  [[nodiscard]] bool has_archive(const std::string& name) const {
    return std::filesystem::exists(folder_ / "uv/archive-v0" / name);
  }

  // As uv installs it.
  void build_env(KeyView key, const std::string& archive, Cache& cache) {
    must(cache.get_or_build(Kind::env, key, [&](const BuildContext& context) -> Result<void> {
      RTENV_TRY(const LockFile in_use, cache.use_uv_folder({}));
      RTENV_TRY(make_directories(context.target));
      if (!has_archive(archive)) add_archive(archive);
      std::filesystem::create_hard_link(folder_ / "uv/archive-v0" / archive / "module.py",
                                        context.target / "module.py");
      return {};
    }));
  }

  // As du(1) counts when the ledger is closed.
  [[nodiscard]] std::uint64_t on_disk() const {
    return must(disk_usage_bytes(folder_.root())) - own_disk_bytes(folder_ / "ledger.db-wal") -
           own_disk_bytes(folder_ / "ledger.db-shm");
  }
};

TEST_F(CacheOfLinkedEnvs, CountsEachFileOnce) {
  Cache cache = open();
  for (const KeyView key : std::initializer_list<KeyView>{"a", "b", "c"})
    build_env(key, "numpy", cache);
  build_env("d", "six", cache);
  must(cache.get_or_build(Kind::tree, "tree", writes(std::string(k_megabyte, 'x'))));
  folder_.file("digests/file", std::string(k_megabyte, 'x'));
  folder_.file("quarantine/env-x/file", std::string(k_megabyte, 'x'));
  folder_.file("logs/env-x.log", std::string(k_megabyte, 'x'));
  for (const EntryRow& row : must(cache.entries()))
    EXPECT_LT(row.size_bytes, row.kind == Kind::env ? k_megabyte / 8 : 2 * k_megabyte)
        << "an environment's removal gives back its own files only";
  const std::uint64_t recorded = must(cache.size_bytes());
  EXPECT_GE(recorded, 3 * k_megabyte) << "builds record what uv's folder takes up";
  const DiskUsage usage = must(cache.measure());
  EXPECT_NEAR(static_cast<double>(usage.total_bytes()), static_cast<double>(on_disk()),
              static_cast<double>(on_disk()) / 100);
  EXPECT_GE(usage.uv_bytes, 2 * k_megabyte);
  EXPECT_LT(usage.uv_bytes, 2 * k_megabyte + k_megabyte / 8);
  EXPECT_GE(usage.quarantine_bytes, k_megabyte);
}

TEST_F(CacheOfLinkedEnvs, CountsFilesInTheEnvironmentWhenUvsFolderLosesThem) {
  Cache cache = open();
  build_env("a", "numpy", cache);
  std::filesystem::remove_all(folder_ / "uv/archive-v0/numpy");
  must(cache.measure());
  EXPECT_GE(must(cache.entries())[0].size_bytes, k_megabyte);
}

TEST_F(CacheOfLinkedEnvs, GivesBackWhatItsLimitDemands) {
  Cache cache = open();
  build_env("a", "numpy", cache);
  build_env("b", "numpy", cache);
  build_env("c", "six", cache);
  // Without the ledger, which grows meanwhile.
  const auto removable = [&] { return on_disk() - must(disk_usage_bytes(folder_ / "ledger.db")); };
  const std::uint64_t before = removable();
  const auto report = must(cache.collect({.max_bytes = k_megabyte + k_megabyte / 4}, false));
  EXPECT_THAT(report.removed, SizeIs(2));
  EXPECT_EQ(report.removed_parts, 1U);
  EXPECT_THAT(keys(cache), ElementsAre("c"));
  EXPECT_FALSE(has_archive("numpy"));
  EXPECT_NEAR(static_cast<double>(before - removable()), static_cast<double>(report.freed_bytes),
              static_cast<double>(k_megabyte) / 8);
  EXPECT_EQ(must(cache.size_bytes()), report.kept_bytes);
}

TEST_F(CacheOfLinkedEnvs, LosesTheQuarantineBeforeEnvironments) {
  Cache cache = open();
  build_env("good", "six", cache);
  add_archive("damaged");
  std::filesystem::create_directories(folder_ / "quarantine/env-x");
  std::filesystem::create_hard_link(folder_ / "uv/archive-v0/damaged/module.py",
                                    folder_ / "quarantine/env-x/module.py");
  must(cache.collect({.max_bytes = k_megabyte + k_megabyte / 4}, false));
  EXPECT_THAT(keys(cache), ElementsAre("good"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "quarantine/env-x"));
  EXPECT_FALSE(has_archive("damaged"));
}

// As a clone of a repository and its checkout.
TEST_F(CacheOfLinkedEnvs, LosesPartsThatShareFilesOnlyWithEachOther) {
  Cache cache = open();
  build_env("good", "six", cache);
  folder_.file("uv/git-v0/db/pack", std::string(k_megabyte, 'x'));
  std::filesystem::create_directories(folder_ / "uv/git-v0/checkouts");
  std::filesystem::create_hard_link(folder_ / "uv/git-v0/db/pack",
                                    folder_ / "uv/git-v0/checkouts/pack");
  must(cache.collect({.max_bytes = k_megabyte + k_megabyte / 4}, false));
  EXPECT_THAT(keys(cache), ElementsAre("good"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "uv/git-v0/db"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "uv/git-v0/checkouts"));
}

TEST_F(CacheOfLinkedEnvs, LosesUnneededArchivesBeforeEnvironments) {
  Cache cache = open();
  build_env("a", "numpy", cache);
  add_archive("unneeded");
  folder_.file("quarantine/env-x/file", std::string(k_megabyte, 'x'));
  const auto report = must(cache.collect({.max_bytes = k_megabyte + k_megabyte / 4}, false));
  EXPECT_THAT(report.removed, IsEmpty());
  EXPECT_EQ(report.removed_parts, 2U);
  EXPECT_FALSE(has_archive("unneeded"));
  EXPECT_THAT(keys(cache), ElementsAre("a"));
}

TEST_F(CacheOfLinkedEnvs, RemovesNothingFromUvsFolderWhileItIsUsed) {
  Cache cache = open();
  add_archive("unneeded");
  {
    const LockFile rtenvs = must(cache.use_uv_folder({}));
    must(cache.collect({.max_bytes = 0}, false));
    EXPECT_TRUE(has_archive("unneeded")) << "a build is using it";
  }
  {
    const LockFile uvs = must(LockFile::acquire(folder_ / "uv/.lock", {}, LockMode::shared));
    must(cache.collect({.max_bytes = 0}, false));
    EXPECT_TRUE(has_archive("unneeded")) << "uv is running";
  }
  must(cache.collect({.max_bytes = 0}, false));
  EXPECT_FALSE(has_archive("unneeded"));
}

TEST_F(CacheOfLinkedEnvs, IsUsedByAnyNumberOfBuildsAtOnce) {
  Cache cache = open();
  const LockFile first = must(cache.use_uv_folder({}));
  must(cache.use_uv_folder({.deadline = std::chrono::steady_clock::now()}));
}

// uv fails if it finds a pointer to an archive that is missing.
TEST_F(CacheOfLinkedEnvs, LosesThePointersToAnArchiveWithIt) {
  Cache cache = open();
  build_env("a", "numpy", cache);
  add_archive("unneeded");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the indexes are the younger parts
  folder_.file("uv/wheels-v7/url/x/six/six.rev", "\1 archive unneeded \2")
      .file("uv/wheels-v7/url/x/numpy/numpy.rev", "\1 archive numpy \2")
      .link("uv/wheels-v1/pypi/six/six", "../../../archive-v0/unneeded");
  must(cache.collect({.max_bytes = k_megabyte + k_megabyte / 4}, false));
  EXPECT_FALSE(has_archive("unneeded"));
  const auto has = [&](const char* path) {
    return std::filesystem::is_symlink(folder_ / path) || std::filesystem::exists(folder_ / path);
  };
  EXPECT_FALSE(has("uv/wheels-v7/url/x/six/six.rev"));
  EXPECT_FALSE(has("uv/wheels-v1/pypi/six/six"));
  EXPECT_TRUE(has("uv/wheels-v7/url/x/numpy/numpy.rev"));
}

TEST_F(CacheOfLinkedEnvs, EnforcesItsLimitsAfterABuildThatFailed) {
  Cache cache = open({.limits = {.max_bytes = k_megabyte}});
  const auto failed = cache.get_or_build(Kind::env, "a", [&](const BuildContext&) -> Result<void> {
    RTENV_TRY(const LockFile in_use, cache.use_uv_folder({}));
    add_archive("numpy");
    add_archive("six");
    return fail(Errc::installer_failed, "no such package");
  });
  EXPECT_THAT(failed, IsError(Errc::installer_failed));
  cache.enforce_limits();
  EXPECT_FALSE(has_archive("numpy") && has_archive("six"));
}

TEST_F(CacheOfLinkedEnvs, CountsWhatIsAddedToAnEnvironment) {
  Cache cache = open();
  build_env("a", "numpy", cache);
  const Lease lease = std::move(*must(cache.find(Kind::env, "a")));
  folder_.file("envs/a/__pycache__/module.pyc", std::string(k_megabyte, 'x'));
  must(lease.measure_again());
  const std::uint64_t bytes = must(cache.entries())[0].size_bytes;
  EXPECT_GE(bytes, k_megabyte);
  EXPECT_LT(bytes, 2 * k_megabyte);
}

}  // namespace
}  // namespace rtenv::cache
