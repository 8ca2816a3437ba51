#include "job/directory_policy.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "cache/cache.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::job {
namespace {

class DirectoryPolicyTest : public testing::Test {
 protected:
  Result<DirectoryPolicy> choose(const std::string& wanted) {
    Environment environment;
    environment.set("RTENV_JOB_DIRECTORY", wanted);
    return choose_directory_policy(environment, cache_);
  }

  TreeBuilder folder_;
  cache::Cache cache_ = must(cache::Cache::open(folder_ / "cache"));
};

TEST_F(DirectoryPolicyTest, FollowsTheVariable) {
  EXPECT_EQ(must(choose("copy")).mode, DirectoryMode::copy);
  EXPECT_THAT(choose("hardlink"),
              IsError(Errc::invalid_argument, "'hardlink' is neither auto, overlay nor copy"));
  const auto overlay = choose("overlay");
  if (!overlay) GTEST_SKIP() << overlay.error().message();
  EXPECT_EQ(overlay->mode, DirectoryMode::overlay);
  EXPECT_EQ(overlay->own_user_namespace, ::geteuid() != 0);
}

TEST_F(DirectoryPolicyTest, OthersThanRootGetCopiesByDefault) {
  if (::geteuid() == 0) GTEST_SKIP() << "this test is run by root";
  EXPECT_EQ(must(choose("auto")).mode, DirectoryMode::copy);
}

TEST_F(DirectoryPolicyTest, ATrialLeavesNothingBehind) {
  [[maybe_unused]] const auto policy = choose("overlay");
  for (const auto& holder : std::filesystem::directory_iterator(folder_ / "cache/tmp"))
    EXPECT_TRUE(std::filesystem::is_empty(holder.path()));
}

}  // namespace
}  // namespace rtenv::job
