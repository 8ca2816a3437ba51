#include "base/absolute_path.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

TEST(AbsolutePath, KeepsLinksExceptBeforeDotDot) {
  TreeBuilder tree;
  tree.directory("elsewhere/below").directory("work").link("work/l", "../elsewhere/below");
  const Path root = std::filesystem::canonical(tree.root());
  EXPECT_EQ(absolute_path(root / "work/./l//x/"), root / "work/l/x");
  EXPECT_EQ(absolute_path(root / "work/l/../x"), root / "elsewhere/x") << "as the kernel does";
  EXPECT_EQ(absolute_path(root / "none/../x"), root / "x");
  EXPECT_EQ(absolute_path("x"), std::filesystem::current_path() / "x");
  EXPECT_EQ(absolute_path("."), std::filesystem::current_path());
  EXPECT_EQ(absolute_path("/"), "/");
}

}  // namespace
}  // namespace rtenv
