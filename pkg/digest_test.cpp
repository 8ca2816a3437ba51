#include "pkg/digest.hpp"

#include <gtest/gtest.h>

#include "pkg/package_fixture.hpp"

namespace rtenv::pkg {
namespace {

TEST(Digest, ManifestCoversModesAndPathBoundariesUnlikeRay) {
  TreeBuilder tree;
  tree.file("ab", "c");
  TreeBuilder other_border;
  other_border.file("a", "bc");
  TreeBuilder executable;
  executable.file("ab", "c", 0755);
  for (const TreeBuilder* other : {&other_border, &executable}) {
    EXPECT_EQ(name_of(tree, Scheme::ray), name_of(*other, Scheme::ray));
    EXPECT_NE(name_of(tree), name_of(*other));
  }
}

TEST(Digest, DistinguishesAnEmptyFileAnEmptyFolderAndALink) {
  TreeBuilder file;
  file.file("x", "").file("y", "");
  TreeBuilder folder;
  folder.directory("x").file("y", "");
  TreeBuilder link;
  link.link("x", "y").file("y", "");
  EXPECT_NE(name_of(file), name_of(folder));
  EXPECT_NE(name_of(file), name_of(link));
  EXPECT_NE(name_of(folder), name_of(link));
  EXPECT_EQ(name_of(file, Scheme::ray), name_of(link, Scheme::ray)) << "Ray follows links";
}

TEST(Digest, EmptyTreeHasRaysDigest) {
  const TreeBuilder tree;
  // SHA-1(".") begins 3a52ce780950d4d9; XORed with eight ASCII zeros.
  EXPECT_EQ(name_of(tree, Scheme::ray).digits(), "0a62fe483960e4e9");
}

// Computed from the grammar in digest.hpp by a few lines of Python, with hashlib and xxhsum.
TEST(Digest, ManifestDigestsNeverChange) {
  TreeBuilder tree;
  tree.file("a/b.py", "print()\n").file("run", "#!", 0755).directory("empty").link("l", "a/b.py");
  EXPECT_EQ(name_of(tree).digits(), "f3badea74dcf9bb8b17a1ff4ea0eabbe");
  EXPECT_EQ(name_of(tree, Scheme::sha256).digits(),
            "8e9965e49d99ffb8fa89967f12e04c9b6fb807a979d6156180179a35e6b621eb");
}

TEST(PackageName, LengthIdentifiesTheScheme) {
  TreeBuilder tree;
  tree.file("x", "y");
  for (const auto& [scheme, digits] : {std::pair{Scheme::ray, 16U}, std::pair{Scheme::xxh3, 32U},
                                       std::pair{Scheme::sha256, 64U}}) {
    const PackageName name = name_of(tree, scheme);
    EXPECT_EQ(name.digits().size(), digits);
    EXPECT_EQ(PackageName::parse(name.uri()), name);
  }
  EXPECT_EQ(PackageName::parse("gcs://_ray_pkg_0123.zip"), std::nullopt);
  EXPECT_EQ(PackageName::parse("_ray_pkg_0123456789ABCDEF.zip"), std::nullopt);
  EXPECT_EQ(PackageName::parse("other.zip"), std::nullopt);
}

}  // namespace
}  // namespace rtenv::pkg
