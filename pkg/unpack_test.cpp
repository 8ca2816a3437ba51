#include "pkg/unpack.hpp"

#include <gtest/gtest.h>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {
namespace {

class UnpackTest : public testing::Test {
 protected:
  // The packed tree as the file p.zip.
  Path package() {
    out_.file("p.zip", pack(tree_).bytes);
    return out_ / "p.zip";
  }

  TreeBuilder tree_;
  TreeBuilder out_;
};

TEST_F(UnpackTest, DamagedPackageLeavesNoFiles) {
  tree_.file("src/a.py", std::string(2000, 'x')).file("b", "y").directory("e").link("l", "b");
  const Packed packed = pack(tree_);
  std::size_t refused = 0;
  std::mt19937 random(7);
  for (std::size_t i = 0; i < packed.bytes.size(); ++i) {
    std::string damaged = packed.bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ static_cast<char>(1U << (random() % 8)));
    if (i % 3 == 0) damaged.resize(i);
    out_.file("damaged.zip", damaged);
    const auto result = unpack(out_ / "damaged.zip", out_ / "target", {});
    if (result) {  // a bit without a meaning: in a time, in an attribute
      must(remove_tree(out_ / "target"));
      continue;
    }
    ++refused;
    EXPECT_FALSE(std::filesystem::exists(out_ / "target")) << "byte " << i;
  }
  EXPECT_GT(refused, packed.bytes.size() / 2);
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(out_.root()))
    ++count;
  EXPECT_EQ(count, 1U) << "only damaged.zip";
}

TEST_F(UnpackTest, RefusesANonemptyTargetAndAcceptsAnEmptyOne) {
  tree_.file("a", "x");
  out_.file("full/mine", "keep").directory("empty");
  EXPECT_THAT(unpack(package(), out_ / "full", {}), IsError(Errc::already_exists, "isn't empty"));
  EXPECT_THAT(unpack(package(), "", {}),
              IsError(Errc::invalid_argument, "the target is an empty path"));
  EXPECT_EQ(content_of(out_ / "full/mine"), "keep");
  EXPECT_THAT(unpack(package(), out_ / "empty", {}), IsOk());
  EXPECT_EQ(content_of(out_ / "empty/a"), "x");
}

TEST_F(UnpackTest, EnforcesTheLimits) {
  tree_.file("a", std::string(100'000, 'x')).file("b", "y");
  EXPECT_THAT(unpack(package(), out_ / "t", {.limits = {.max_total_bytes = 99'999}}),
              IsError(Errc::invalid_argument, "more than 99999"));
  EXPECT_THAT(unpack(package(), out_ / "t", {.limits = {.max_entries = 1}}),
              IsError(Errc::invalid_argument, "more than 1 entries"));
  EXPECT_FALSE(std::filesystem::exists(out_ / "t"));
}

TEST_F(UnpackTest, StripTopDropsTheOnlyTopFolder) {
  tree_.file("top/a", "x").file("__MACOSX/junk", "");
  must(unpack(package(), out_ / "stripped", {.strip_top = true}));
  EXPECT_EQ(content_of(out_ / "stripped/a"), "x");
  must(unpack(package(), out_ / "whole", {.strip_top = false}));
  EXPECT_EQ(content_of(out_ / "whole/top/a"), "x");
}

TEST_F(UnpackTest, StripTopDoesNothingIfThereIsAnotherTopEntry) {
  tree_.file("top/a", "x").file("beside", "");
  must(unpack(package(), out_ / "both", {.strip_top = true}));
  EXPECT_EQ(content_of(out_ / "both/top/a"), "x");
}

}  // namespace
}  // namespace rtenv::pkg
