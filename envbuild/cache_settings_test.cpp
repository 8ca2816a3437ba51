#include "envbuild/cache_settings.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::envbuild {
namespace {

Environment variables(std::initializer_list<std::pair<std::string, std::string>> values) {
  Environment environment;
  for (const auto& [name, value] : values) environment.set(name, value);
  return environment;
}

TEST(CacheSettings, TheMostSpecificVariableNamesTheFolder) {
  EXPECT_EQ(must(cache_root(variables({{"HOME", "/h"}}))), "/h/.cache/rtenv");
  EXPECT_EQ(must(cache_root(variables({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/x"}}))), "/x/rtenv");
  EXPECT_EQ(must(cache_root(variables({{"XDG_CACHE_HOME", "/x"}, {"RTENV_CACHE_DIR", "/r"}}))),
            "/r");
  EXPECT_THAT(cache_root({}), IsError(Errc::invalid_argument, "HOME"));
}

TEST(CacheSettings, ReadsTheLimits) {
  EXPECT_EQ(must(cache_limits({})).max_bytes, 20ULL << 30U);
  EXPECT_EQ(must(cache_limits({})).min_free_bytes, std::nullopt);
  EXPECT_EQ(must(cache_limits(variables({{"RTENV_CACHE_MIN_FREE", "1K"}}))).min_free_bytes, 1024U);
  EXPECT_THAT(cache_limits(variables({{"RTENV_CACHE_MAX_SIZE", "x"}})),
              IsError(Errc::invalid_argument, "RTENV_CACHE_MAX_SIZE"));
}

TEST(CacheSettings, ReadsTheRemoteTier) {
  EXPECT_FALSE(must(remote_tier({})));
  const auto tier = must(remote_tier(variables({{"RTENV_REMOTE_CACHE", "file:///tier/"},
                                                {"RTENV_REMOTE_CACHE_MODE", "write-back"},
                                                {"RTENV_REMOTE_CACHE_MAX_AGE", "2h"}})))
                        .value();
  EXPECT_EQ(tier.mode, cache::TierMode::write_back);
  EXPECT_EQ(tier.max_age, std::chrono::hours(2));
  EXPECT_THAT(remote_tier(variables(
                  {{"RTENV_REMOTE_CACHE", "file:///tier/"}, {"RTENV_REMOTE_CACHE_MODE", "x"}})),
              IsError(Errc::invalid_argument, "RTENV_REMOTE_CACHE_MODE"));
}

TEST(CacheSettings, ReadsWhoMayReadTheCache) {
  EXPECT_EQ(
      must(with_folder_settings({}, variables({{"RTENV_CACHE_READABLE", "1"}}))).readable_by_others,
      true);
  EXPECT_THAT(with_folder_settings({}, variables({{"RTENV_CACHE_READABLE", "x"}})),
              IsError(Errc::invalid_argument, "neither 0 nor 1"));
}

}  // namespace
}  // namespace rtenv::envbuild
