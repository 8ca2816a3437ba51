#include "cache/folder_limit.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::cache {
namespace {

using std::chrono::hours;

constexpr std::uint64_t k_plenty = 1ULL << 40U;

class FolderLimitTest : public testing::Test {
 protected:
  bool has(const char* name) { return std::filesystem::exists(folder_ / name); }

  TreeBuilder folder_;
};

TEST_F(FolderLimitTest, RemovesWhatIsTooOld) {
  folder_.file("file", "x").file("folder/file", "x");
  constexpr std::int64_t k_hour_ms = 3'600'000;
  limit_folder(folder_.root(), {hours(2), 10, k_plenty}, unix_ms() + k_hour_ms);
  EXPECT_TRUE(has("file") && has("folder"));
  limit_folder(folder_.root(), {hours(2), 10, k_plenty}, unix_ms() + 3 * k_hour_ms);
  EXPECT_FALSE(has("file") || has("folder"));
}

TEST_F(FolderLimitTest, KeepsAsManyAsAreAllowed) {
  for (const char* name : {"a", "b", "c"}) folder_.file(name, "x");
  limit_folder(folder_.root(), {hours(1), 2, k_plenty}, unix_ms());
  EXPECT_EQ(has("a") + has("b") + has("c"), 2);
}

TEST_F(FolderLimitTest, KeepsTheNewestThatFit) {
  folder_.file("old", std::string(100'000, 'x'));
  // The clock of a file system may advance by 10 ms.
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  folder_.file("new", std::string(100'000, 'x'));
  limit_folder(folder_.root(), {hours(1), 10, 150'000}, unix_ms());
  EXPECT_TRUE(has("new"));
  EXPECT_FALSE(has("old"));
}

TEST_F(FolderLimitTest, IgnoresAFolderThatDoesNotExist) {
  limit_folder(folder_ / "none", {hours(1), 1, 1}, unix_ms());
}

}  // namespace
}  // namespace rtenv::cache
