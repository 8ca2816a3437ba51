#include "pkg/inspect.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {
namespace {

class InspectTest : public testing::Test {
 protected:
  Inspection inspect_as(const std::string& file_name, const Packed& packed) {
    packages_.file(file_name, packed.bytes);
    return must(inspect(packages_ / file_name, {}));
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
  tree_.file("a/b/c", "1").directory("e");
  const Packed packed = pack(tree_, {.scheme = Scheme::ray});
  EXPECT_TRUE(inspect_as(packed.name.file_name(), packed).verifies());
}

TEST_F(InspectTest, RaysPackageHasNoFolderWithNothingButExcludedFiles) {
  tree_.file(".gitignore", "build/\n").file("build/x", "").file("build/y/z", "").file("a", "1");
  tree_.directory("e");
  const auto folders = [&](Scheme scheme) {
    const Packed packed = pack(tree_, {.scheme = scheme});
    std::vector<std::string> found;
    for (const Entry& entry : inspect_as(packed.name.file_name(), packed).entries)
      if (entry.type == EntryType::directory) found.push_back(entry.path);
    return found;
  };
  EXPECT_THAT(folders(Scheme::ray), testing::ElementsAre("e"));
  EXPECT_THAT(folders(Scheme::xxh3), testing::ElementsAre("build", "e"));
}

TEST_F(InspectTest, ReadsATarAsThePackageOfItsContentWouldBeNamed) {
  tree_.file("d/run", "#!", 0755).file("f", "text").link("l", "f").directory("e");
  const std::string tar = (packages_ / "x.tar.gz").native();
  ASSERT_EQ(std::system(("tar -czf " + tar + " -C " + tree_.root().native() + " .").c_str()), 0);
  const auto inspection = must(inspect(tar, {}));
  EXPECT_EQ(inspection.computed, name_of(tree_));
  std::string described;
  for (const Entry& entry : inspection.entries)
    described += fmt::format("{}:{} ", entry.path, entry.size_bytes);
  EXPECT_EQ(described, "d:0 d/run:2 e:0 f:4 l:0 ");

  const auto named = must(name_of_archive(Path(tar)));
  std::filesystem::rename(tar, packages_ / named.file_name());
  EXPECT_TRUE(must(inspect(packages_ / named.file_name(), {})).verifies()) << "by its SHA-1";
}

}  // namespace
}  // namespace rtenv::pkg
