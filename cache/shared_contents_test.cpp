#include "cache/shared_contents.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cache/cache_fixture.hpp"

namespace rtenv::cache {
namespace {

std::uint64_t inode_of(const Path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_ino;
}

class SharedContents : public OpenCache {
 protected:
  std::string model_ = std::string(100'000, 'm');
  Lease first_ = must(build(Kind::tree, "first", model_));
};

TEST_F(SharedContents, HardLinksEqualLargeFilesOfReadOnlyEntries) {
  {
    const Lease second = must(build(Kind::tree, "second", model_));
    EXPECT_EQ(inode_of(first_.path() / "file"), inode_of(second.path() / "file"));
    EXPECT_EQ(must(cache_.shared_bytes()), 100'000U);
    const Lease env = must(build(Kind::env, "env", model_));
    EXPECT_NE(inode_of(first_.path() / "file"), inode_of(env.path() / "file"))
        << "environments are writable";
    const Lease other = must(build(Kind::tree, "other", std::string(100'000, 'n')));
    EXPECT_NE(inode_of(first_.path() / "file"), inode_of(other.path() / "file"));
  }
  EXPECT_TRUE(must(cache_.remove(Kind::tree, "second")));
  EXPECT_EQ(must(cache_.shared_bytes()), 0U);
  EXPECT_THAT(read_file(first_.path() / "file"), IsOk());
}

TEST_F(SharedContents, DoesNotShareDamagedFilesOrFilesOfAnotherMode) {
  const Lease private_one = must(
      cache_.get_or_build(Kind::tree, "private", [&](const BuildContext& context) -> Result<void> {
        RTENV_TRY(writes(model_)(context));
        std::filesystem::permissions(context.target / "file", std::filesystem::perms::owner_read);
        return {};
      }));
  EXPECT_NE(inode_of(first_.path() / "file"), inode_of(private_one.path() / "file"));

  for (const Path& path : {first_.path() / "file", private_one.path() / "file"}) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::add);
    std::ofstream(path, std::ios::in | std::ios::out) << "X";
    std::filesystem::permissions(path, std::filesystem::perms::owner_write,
                                 std::filesystem::perm_options::remove);
  }
  const Lease later = must(build(Kind::tree, "later", model_));
  EXPECT_EQ(must(read_file(later.path() / "file")), model_);
}

}  // namespace
}  // namespace rtenv::cache
