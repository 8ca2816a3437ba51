#include "cli/key_prefix.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::cli {
namespace {

constexpr KeySearch k_search{"entry", "entries", "rtenv cache ls"};

std::vector<CacheEntry> entries(const std::vector<std::string>& keys) {
  std::vector<CacheEntry> result;
  for (const std::string& key : keys) result.push_back({.key = key});
  return result;
}

std::string find(const std::vector<std::string>& keys, const std::string& text) {
  return must(find_key(entries(keys), text, k_search));
}

TEST(KeyPrefix, FindsAKeyByItsFirstCharacters) {
  EXPECT_EQ(find({"abc", "abd", "x"}, "abd"), "abd");
  EXPECT_EQ(find({"abc", "abd", "x"}, "abc"), "abc");
  EXPECT_EQ(find({"abc", "abd", "x"}, "x"), "x");
  EXPECT_EQ(find({"abc", "xyz"}, "a"), "abc");
}

TEST(KeyPrefix, AWholeKeyIsNeverAmbiguous) {
  EXPECT_EQ(find({"abc-2", "abc", "abc-3"}, "abc"), "abc");
}

TEST(KeyPrefix, EntriesOfSeveralKindsMayHaveTheKey) { EXPECT_EQ(find({"abc", "abc"}, "a"), "abc"); }

TEST(KeyPrefix, RefusesAmbiguousAndUnknownKeys) {
  EXPECT_THAT(find_key(entries({"abc", "abd"}), "ab", k_search),
              IsError(Errc::invalid_argument, "several entries begin with ab"));
  EXPECT_THAT(find_key(entries({"abc"}), "b", k_search),
              IsError(Errc::not_found, "there is no entry b in the cache"));
  EXPECT_THAT(find_key(entries({"abc"}), "", k_search), IsError(Errc::not_found));
}

}  // namespace
}  // namespace rtenv::cli
