#include "pkg/inspect.hpp"

#include <gtest/gtest.h>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {
namespace {

class InspectTest : public testing::Test {
 protected:
  Inspection inspect_as(const std::string& file_name, const Packed& packed) {
    packages_.file(file_name, packed.bytes);
    return must(inspect(packages_ / file_name, 1));
  }

  TreeBuilder tree_;
  TreeBuilder packages_;
};

TEST_F(InspectTest, DetectsAPackageWhoseNameDoesNotMatchItsContent) {
  tree_.file("a", "x");
  const Packed packed = pack(tree_);
  const auto wrong = inspect_as("_ray_pkg_" + std::string(32, '0') + ".zip", packed);
  EXPECT_FALSE(wrong.verifies());
  EXPECT_EQ(wrong.computed, packed.name);
}

TEST_F(InspectTest, ComputesTheNameOfARenamedPackage) {
  tree_.file("a", "x");
  const Packed packed = pack(tree_);
  const auto plain = inspect_as("plain.zip", packed);
  EXPECT_EQ(plain.name, std::nullopt);
  EXPECT_EQ(plain.computed, packed.name);
}

TEST_F(InspectTest, VerifiesRaysNameOfAPackageWithEmptyFolders) {
  tree_.file(".gitignore", "build/\n").file("build/x", "").file("a/b/c", "1").directory("e");
  const Packed packed = pack(tree_, {.scheme = Scheme::ray});
  EXPECT_TRUE(inspect_as(packed.name.file_name(), packed).verifies());
}

}  // namespace
}  // namespace rtenv::pkg
