#include "envbuild/foreign_links.hpp"

#include "support/tree_builder.hpp"

namespace rtenv::envbuild {
namespace {

class ForeignLinks : public testing::Test {
 protected:
  void SetUp() override {
    tree_.file("bin/activate", "x").link("bin/python", "/usr/bin/python3").link("lib64", "lib");
    virtualenv_ = must(cache::list_tree(tree_.root(), "__pycache__"));
  }
  Result<void> check() { return refuse_foreign_links(tree_.root(), virtualenv_); }

  TreeBuilder tree_;
  std::vector<cache::TreeItem> virtualenv_;
};

TEST_F(ForeignLinks, TheVirtualenvsOwnAreExpected) {
  tree_.file("lib/python3/site-packages/a.py", "x");
  EXPECT_TRUE(check());
}

TEST_F(ForeignLinks, AreRefusedAtAnyPlace) {
  for (const char* path :
       {"zz", "lib/python3/site-packages/a", "lib/a/__pycache__", "lib/b/__pycache__/mark"}) {
    tree_.link(path, "/elsewhere");
    EXPECT_THAT(check(), IsError(Errc::corrupt, path));
    std::filesystem::remove(tree_ / path);
  }
  EXPECT_TRUE(check());
}

TEST_F(ForeignLinks, AreRefusedInThePlaceOfTheVirtualenvsOwn) {
  std::filesystem::remove(tree_ / "lib64");
  tree_.link("lib64", "/elsewhere");
  EXPECT_THAT(check(), IsError(Errc::corrupt, "lib64"));
}

}  // namespace
}  // namespace rtenv::envbuild
