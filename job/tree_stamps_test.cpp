#include "job/tree_stamps.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv::job {
namespace {

class StampsTest : public testing::Test {
 protected:
  StampsTest() {
    tree_.file("at/top/a", "1").file("at/top/d/b", "22").link("at/top/d/l", "b");
    stamps_ = must(record_stamps(tree_ / "at", "top", {.inode = 5, .created_ns = 6}, 2));
    must(settle(stamps_));
    must(save_stamps(stamps_, file_));
  }

  TreeBuilder tree_;
  Path file_ = tree_ / "stamps";
  TreeStamps stamps_;
};

TEST_F(StampsTest, AreReadAsWritten) {
  const TreeStamps read = must(load_stamps(file_));
  EXPECT_EQ(read.names, stamps_.names);
  EXPECT_EQ(read.tree, stamps_.tree);
  EXPECT_EQ(read.device, stamps_.device);
  ASSERT_EQ(read.items.size(), 5U);
  for (std::size_t i = 0; i < read.items.size(); ++i)
    EXPECT_EQ(read.items[i].stamp, stamps_.items[i].stamp);
  ASSERT_EQ(read.folders.size(), 3U);
  EXPECT_EQ(read.path_of(read.folders[2]), "top/d");
}

TEST_F(StampsTest, AreRefusedIfAnyByteIsDamaged) {
  const std::string text = content_of(file_);
  for (std::size_t at = 0; at < text.size(); at += 7) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    tree_.file("damaged", damaged);
    EXPECT_THAT(load_stamps(tree_ / "damaged"), IsError(Errc::corrupt)) << at;
    tree_.file("damaged", text.substr(0, at));
    EXPECT_THAT(load_stamps(tree_ / "damaged"), IsError(Errc::corrupt)) << at;
  }
  EXPECT_THAT(load_stamps(tree_ / "none"), IsError(Errc::not_found));
}

TEST_F(StampsTest, WaitsUntilALaterChangeHasALaterTime) {
  for (int i = 0; i < 50; ++i) {
    tree_.file("at/top/a", std::string(1, static_cast<char>('a' + i % 26)));
    const TreeStamps before = must(record_stamps(tree_ / "at", "top", {}, 1));
    must(settle(before));
    tree_.file("at/top/a", "x");
    const TreeStamps after = must(record_stamps(tree_ / "at", "top", {}, 1));
    bool differs = false;
    for (std::size_t item = 0; item < before.items.size(); ++item)
      differs = differs || before.items[item].stamp != after.items[item].stamp;
    EXPECT_TRUE(differs) << i;
  }
}

TEST_F(StampsTest, CannotBeTrustedWithTimesInTheFuture) {
  stamps_.items[0].stamp.changed_ns += std::int64_t{60} * 1'000'000'000;
  EXPECT_THAT(settle(stamps_), IsError(Errc::unavailable));
}

}  // namespace
}  // namespace rtenv::job
