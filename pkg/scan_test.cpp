#include "pkg/scan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/tree_builder.hpp"

namespace rtenv::pkg {
namespace {

using testing::ElementsAre;

std::vector<std::string> paths(const Tree& tree) {
  std::vector<std::string> result;
  for (const Entry& entry : tree.entries)
    result.push_back(entry.path + (entry.type == EntryType::directory ? "/" : ""));
  return result;
}

std::vector<std::string> scanned(const TreeBuilder& tree, ScanOptions options = {}) {
  return paths(must(scan(tree.root(), options)));
}

TEST(Scan, ListsFilesAndFoldersInTheOrderOfTheirBytes) {
  TreeBuilder tree;
  tree.file("b", "").file("a/z", "").file("a-b", "").directory("empty").file("é", "");
  EXPECT_THAT(scanned(tree), ElementsAre("a/", "a-b", "a/z", "b", "empty/", "é"));
}

TEST(Scan, SeesSizeExecutableBitAndWhatIsChildless) {
  TreeBuilder tree;
  tree.file("a/run", "12345", 0755).file("a-b", "").directory("c");
  const Tree result = must(scan(tree.root(), {}));
  EXPECT_FALSE(result.entries[0].childless) << "a, although a-b sorts between it and a/run";
  EXPECT_TRUE(result.entries[2].executable);
  EXPECT_EQ(result.entries[2].size_bytes, 5U);
  EXPECT_TRUE(result.entries[3].childless);
}

TEST(Scan, NestedIgnoreFilesCountForTheirFolderOnly) {
  TreeBuilder tree;
  tree.file("d/.gitignore", "*.log\n").file("d/x.log", "").file("d/e/y.log", "").file("z.log", "");
  EXPECT_THAT(scanned(tree), ElementsAre("d/", "d/.gitignore", "d/e/", "z.log"));
}

TEST(Scan, ANestedFileCannotTakeBackWhatAnOuterOneExcluded) {
  TreeBuilder tree;
  tree.file(".gitignore", "*.log\n").file("d/.gitignore", "!x.log\n").file("d/x.log", "");
  EXPECT_THAT(scanned(tree), ElementsAre(".gitignore", "d/", "d/.gitignore"));
}

TEST(Scan, RayignoreCountsAlsoWhenGitignoreDoesNot) {
  TreeBuilder tree;
  tree.file(".gitignore", "a\n").file(".rayignore", "b\n").file("a", "").file("b", "");
  EXPECT_THAT(scanned(tree, {.use_gitignore = false}),
              ElementsAre(".gitignore", ".rayignore", "a"));
}

TEST(Scan, APatternWithASlashAtItsEndKeepsTheFolderItself) {
  TreeBuilder tree;
  tree.file(".gitignore", "build/\n").file("build/x", "");
  EXPECT_THAT(scanned(tree), ElementsAre(".gitignore", "build/"));
}

TEST(Scan, Issue53635_NoPatternExcludesTheRoot) {
  TreeBuilder tree;
  tree.file(".hidden", "").file("seen", "").file("d/x", "");
  EXPECT_THAT(scanned(tree, {.excludes = {".*"}}), ElementsAre("d/", "d/x", "seen"));
  tree.file(".rayignore", ".*\n");
  EXPECT_THAT(scanned(tree), ElementsAre("d/", "d/x", "seen"));
  tree.file("d/.gitignore", ".*\n");
  EXPECT_THAT(scanned(tree), ElementsAre("seen"))
      << "a folder below may exclude itself by its own file, as in Ray";
}

TEST(Scan, AnExcludedFolderIsNotEntered) {
  TreeBuilder tree;
  tree.link("trap/loop", "../trap");  // whoever enters it fails
  EXPECT_THAT(scan(tree.root(), {.links = Links::follow}),
              IsError(Errc::invalid_argument, "trap/loop"));
  EXPECT_THAT(scan(tree.root(), {.excludes = {"trap"}, .links = Links::follow}), IsOk());
}

TEST(Scan, SaysWhichRuleLeftSomethingOut) {
  TreeBuilder tree;
  tree.file("d/.gitignore", "# logs\n*.log\n").file("d/x.log", "").file("y", "");
  const Tree result = must(scan(tree.root(), {.excludes = {"y"}, .record_excluded = true}));
  ASSERT_EQ(result.excluded.size(), 2U);
  EXPECT_EQ(result.excluded[0].reason + "|" + result.excluded[1].reason,
            "d/.gitignore:2: *.log|excludes: y");
}

TEST(Scan, KeepsLinksThatStayInsideAndFollowsTheOthers) {
  TreeBuilder outside;
  outside.file("o", "12");
  TreeBuilder tree;
  tree.file("d/f", "x")
      .link("d/in", "f")
      .link("dir", "d")
      .link("out", (outside / "o").native())
      .link("gone", "/no/such/file");
  const Tree kept = must(scan(tree.root(), {.links = Links::keep}));
  EXPECT_THAT(paths(kept), ElementsAre("d/", "d/f", "d/in", "dir", "out"));
  EXPECT_EQ(kept.entries[2].link_target, "f");
  EXPECT_EQ(kept.entries[4].type, EntryType::file);
  EXPECT_EQ(kept.entries[4].size_bytes, 2U);
  ASSERT_EQ(kept.excluded.size(), 1U) << "a link to nothing is said, not packed";
  const Tree followed = must(scan(tree.root(), {.links = Links::follow}));
  EXPECT_THAT(paths(followed),
              ElementsAre("d/", "d/f", "d/in", "dir/", "dir/f", "dir/in", "gone", "out"));
  EXPECT_EQ(followed.entries[6].type, EntryType::name_only);
}

TEST(Scan, ALinkThatLeadsBackToItsParentIsAnErrorNotAnEndlessWalk) {
  TreeBuilder tree;
  tree.file("a/b/f", "").link("a/b/loop", "../../a");
  EXPECT_THAT(scan(tree.root(), {.links = Links::follow}),
              IsError(Errc::invalid_argument, "a/b/loop"));
  EXPECT_THAT(scan(tree.root(), {.links = Links::keep}), IsOk());
  EXPECT_THAT(scan(tree.root(), {.excludes = {"loop"}, .links = Links::follow}), IsOk());
}

TEST(Scan, SpecialFilesAreNeverOpened) {
  TreeBuilder tree;
  ASSERT_EQ(::mkfifo((tree / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(scanned(tree, {.links = Links::keep}), ElementsAre());
  EXPECT_THAT(scanned(tree, {.links = Links::follow}), ElementsAre("pipe"));
}

TEST(Scan, SaysWhatIsWrongWithTheRoot) {
  TreeBuilder tree;
  tree.file("f", "");
  EXPECT_THAT(scan(tree / "none", {}), IsError(Errc::not_found, "doesn't exist"));
  EXPECT_THAT(scan(tree / "f", {}), IsError(Errc::invalid_argument, "isn't a directory"));
}

TEST(StaysInside, OnlyWhatCannotLeaveTheTreeInAnyWay) {
  EXPECT_TRUE(stays_inside("a/l", "../x"));
  EXPECT_TRUE(stays_inside("l", "x/./y"));
  EXPECT_TRUE(stays_inside("a/b/l", "../../x"));
  EXPECT_FALSE(stays_inside("l", "../x"));
  EXPECT_FALSE(stays_inside("a/l", "../../x"));
  EXPECT_FALSE(stays_inside("l", "/x"));
  EXPECT_FALSE(stays_inside("l", ""));
  EXPECT_FALSE(stays_inside("l", "d/../x")) << "d may be a link itself: then this leaves the tree";
}

TEST(DefaultExcludes, AreRaysAndCanBeReplaced) {
  Environment environment;
  EXPECT_THAT(default_excludes(environment, Scheme::ray),
              ElementsAre(".git", ".venv", "venv", "__pycache__"));
  EXPECT_THAT(default_excludes(environment, Scheme::xxh3).back(), "/_ray_pkg_*.zip");
  environment.set("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES", " a , ,b");
  EXPECT_THAT(default_excludes(environment, Scheme::ray), ElementsAre("a", "b"));
  environment.set("RAY_OVERRIDE_RUNTIME_ENV_DEFAULT_EXCLUDES", "");
  EXPECT_THAT(default_excludes(environment, Scheme::ray), ElementsAre());
}

}  // namespace
}  // namespace rtenv::pkg
