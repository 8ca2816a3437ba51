#include "remote/credential_cache.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

struct Key {
  int number = 0;
  std::optional<std::int64_t> expires_at_s;
};

class CredentialCacheTest : public testing::Test {
 protected:
  // The number of look-ups after three calls of get().
  int lookups(const std::optional<Key>& key) {
    int count = 0;
    CredentialCache<Key> cache("test", [&]() -> Result<std::optional<Key>> {
      ++count;
      return key;
    });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(must(cache.get()).has_value(), key.has_value());
    return count;
  }

  std::int64_t now_s_ = unix_ms() / 1000;
};

TEST_F(CredentialCacheTest, LooksUpOnce) {
  EXPECT_EQ(lookups(Key{}), 1);
  EXPECT_EQ(lookups(Key{.expires_at_s = now_s_ + 3600}), 1);
  EXPECT_EQ(lookups(std::nullopt), 1) << "also that there are none";
}

TEST_F(CredentialCacheTest, RenewsWhatExpiresSoon) {
  EXPECT_EQ(lookups(Key{.expires_at_s = now_s_ + 100}), 3);
  EXPECT_EQ(lookups(Key{.expires_at_s = now_s_ - 1}), 3);
}

TEST_F(CredentialCacheTest, ReportsAFailureAndTriesAgain) {
  bool works = false;
  CredentialCache<Key> cache("the owner", [&]() -> Result<std::optional<Key>> {
    if (!works) return fail(Errc::unavailable, "no answer");
    return Key{.number = 7};
  });
  EXPECT_THAT(cache.get(), IsError(Errc::unavailable, "the owner: no answer"));
  CredentialCache<Key> without_file("the owner", []() -> Result<std::optional<Key>> {
    return fail(Errc::not_found, "no file").hint("write it");
  });
  EXPECT_THAT(without_file.get(), IsError(Errc::invalid_argument, "the owner: no file"))
      << "the object may be there";
  EXPECT_EQ(without_file.get().error().hint(), "write it");
  works = true;
  EXPECT_EQ(must(cache.get())->number, 7);
}

}  // namespace
}  // namespace rtenv::remote
