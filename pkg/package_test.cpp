#include "pkg/package.hpp"

#include <gtest/gtest.h>

#include "pkg/inspect.hpp"
#include "pkg/package_fixture.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {
namespace {

class RoundTripTest : public testing::TestWithParam<Compression> {};
INSTANTIATE_TEST_SUITE_P(All, RoundTripTest,
                         testing::Values(Compression::automatic, Compression::store,
                                         Compression::fast, Compression::best),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST_P(RoundTripTest, UnpackRestoresTheTreeAndInspectVerifiesTheName) {
  const MixedTree tree;
  const Packed packed = pack(tree, {.compression = GetParam(), .threads = 2});
  TreeBuilder out;
  out.file(packed.name.file_name(), packed.bytes);
  const Path package = out / packed.name.file_name();

  const auto summary = must(unpack(package, out / "tree", {.threads = 3}));
  EXPECT_EQ(summary.files, 10U);
  EXPECT_EQ(summary.links, 1U);
  EXPECT_EQ(name_of(out / "tree"), packed.name);
  EXPECT_EQ(std::filesystem::read_symlink(out / "tree/src/link"), "a.py");
  EXPECT_TRUE(std::filesystem::is_directory(out / "tree/empty/deep"));
  EXPECT_EQ(content_of(out / "tree/latin\xe9.txt"), "not UTF-8");

  const auto inspection = must(inspect(package, {.threads = 2}));
  EXPECT_TRUE(inspection.verifies());
  EXPECT_EQ(inspection.computed, packed.name);
}

TEST(CopyTree, CreatesTheSameTreeAsUnpack) {
  const MixedTree tree;
  auto named = must(name_directory(tree.root(), {}));
  const TreeBuilder out;
  must(copy_tree(named, out / "copy", {.threads = 2}));
  EXPECT_EQ(name_of(out / "copy"), named.name());
}

TEST(CopyTree, DetectsAChangeSinceTheTreeWasNamed) {
  TreeBuilder tree;
  tree.file("a", "one");
  auto named = must(name_directory(tree.root(), {}));
  tree.file("a", "two");
  const TreeBuilder out;
  EXPECT_THAT(copy_tree(named, out / "copy", {}),
              IsError(Errc::changed, "changed while it was read"));
  tree.file("a", "longer");
  EXPECT_THAT(copy_tree(named, out / "copy2", {}),
              IsError(Errc::changed, "changed while it was read"));
}

}  // namespace
}  // namespace rtenv::pkg
