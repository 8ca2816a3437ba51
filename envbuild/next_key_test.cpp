#include "envbuild/next_key.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::envbuild {
namespace {

std::string next(const std::vector<std::string>& taken) {
  std::vector<cache::EntryRow> rows;
  for (const std::string& key : taken)
    rows.push_back({.key = must(cache::Key::parse(key)), .holder_pids = {}, .pins = {}});
  return must(next_key("base", rows)).text();
}

TEST(NextKey, IsTheFirstThatIsFree) {
  EXPECT_EQ(next({}), "base");
  EXPECT_EQ(next({"other", "base-2"}), "base");
  EXPECT_EQ(next({"base"}), "base-2");
  EXPECT_EQ(next({"base-2", "base"}), "base-3");
}

}  // namespace
}  // namespace rtenv::envbuild
