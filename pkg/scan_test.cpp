#include "pkg/scan.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "pkg/package_fixture.hpp"
#include "pkg/tree_path.hpp"

namespace rtenv::pkg {
namespace {

using testing::ElementsAre;

class ScanTest : public testing::Test {
 protected:
  std::vector<std::string> scanned(const ScanOptions& options = {}) {
    return paths(must(scan(tree_.root(), options)));
  }

  TreeBuilder tree_;
};

TEST_F(ScanTest, SortsEntriesByTheBytesOfTheirPaths) {
  tree_.file("b", "").file("a/z", "").file("a-b", "").directory("empty").file("é", "");
  EXPECT_THAT(scanned(), ElementsAre("a/", "a-b", "a/z", "b", "empty/", "é"));
}

TEST_F(ScanTest, RecordsSizeExecutableBitAndEmptyFolders) {
  tree_.file("a/run", "12345", 0755).file("a-b", "").directory("c");
  const Tree result = must(scan(tree_.root(), {}));
  EXPECT_FALSE(result.entries[0].childless) << "a, although a-b sorts between it and a/run";
  EXPECT_TRUE(result.entries[2].executable);
  EXPECT_EQ(result.entries[2].size_bytes, 5U);
  EXPECT_TRUE(result.entries[3].childless);
}

TEST_F(ScanTest, NestedIgnoreFileAppliesOnlyToItsFolder) {
  tree_.file("d/.gitignore", "*.log\n").file("d/x.log", "").file("d/e/y.log", "").file("z.log", "");
  EXPECT_THAT(scanned(), ElementsAre("d/", "d/.gitignore", "d/e/", "z.log"));
}

TEST_F(ScanTest, NestedIgnoreFileCannotReincludeEntries) {
  tree_.file(".gitignore", "*.log\n").file("d/.gitignore", "!x.log\n").file("d/x.log", "");
  EXPECT_THAT(scanned(), ElementsAre(".gitignore", "d/", "d/.gitignore"));
}

TEST_F(ScanTest, RayignoreAppliesEvenIfGitignoreIsOff) {
  tree_.file(".gitignore", "a\n").file(".rayignore", "b\n").file("a", "").file("b", "");
  EXPECT_THAT(scanned({.use_gitignore = false}), ElementsAre(".gitignore", ".rayignore", "a"));
}

TEST_F(ScanTest, TrailingSlashPatternKeepsTheFolderItself) {
  tree_.file(".gitignore", "build/\n").file("build/x", "");
  EXPECT_THAT(scanned(), ElementsAre(".gitignore", "build/"));
}

TEST_F(ScanTest, Issue53635_NoPatternExcludesTheRoot) {
  tree_.file(".hidden", "").file("seen", "").file("d/x", "");
  EXPECT_THAT(scanned({.excludes = {".*"}}), ElementsAre("d/", "d/x", "seen"));
  tree_.file(".rayignore", ".*\n");
  EXPECT_THAT(scanned(), ElementsAre("d/", "d/x", "seen"));
  tree_.file("d/.gitignore", ".*\n");
  EXPECT_THAT(scanned(), ElementsAre("seen"))
      << "a folder below may exclude itself by its own file, as in Ray";
}

TEST_F(ScanTest, DoesNotEnterExcludedFolders) {
  tree_.link("trap/loop", "../trap");  // entering it is an error
  EXPECT_THAT(scan(tree_.root(), {.links = Links::follow}),
              IsError(Errc::invalid_argument, "trap/loop"));
  EXPECT_THAT(scan(tree_.root(), {.excludes = {"trap"}, .links = Links::follow}), IsOk());
}

TEST_F(ScanTest, RecordsTheRuleThatExcludesAnEntry) {
  tree_.file("d/.gitignore", "# logs\n*.log\n").file("d/x.log", "").file("y", "");
  const Tree result = must(scan(tree_.root(), {.excludes = {"y"}, .record_excluded = true}));
  ASSERT_EQ(result.excluded.size(), 2U);
  EXPECT_EQ(result.excluded[0].reason + "|" + result.excluded[1].reason,
            "d/.gitignore:2: *.log|excludes: y");
}

TEST_F(ScanTest, KeepsInternalLinksAndFollowsOthers) {
  TreeBuilder outside;
  outside.file("o", "12");
  tree_.file("d/f", "x")
      .link("d/in", "f")
      .link("dir", "d")
      .link("out", (outside / "o").native())
      .link("gone", "/no/such/file");
  const Tree kept = must(scan(tree_.root(), {.links = Links::keep}));
  EXPECT_THAT(paths(kept), ElementsAre("d/", "d/f", "d/in", "dir", "out"));
  EXPECT_EQ(kept.entries[2].link_target, "f");
  EXPECT_EQ(kept.entries[4].type, EntryType::file);
  EXPECT_EQ(kept.entries[4].size_bytes, 2U);
  ASSERT_EQ(kept.excluded.size(), 1U) << "a dangling link is recorded, not packed";
  const Tree followed = must(scan(tree_.root(), {.links = Links::follow}));
  EXPECT_THAT(paths(followed),
              ElementsAre("d/", "d/f", "d/in", "dir/", "dir/f", "dir/in", "gone", "out"));
  EXPECT_EQ(followed.entries[6].type, EntryType::name_only);
}

TEST_F(ScanTest, BelowAFollowedFolderALinkIsKeptOnlyIfItStaysThere) {
  TreeBuilder outside;
  outside.file("x", "outside").file("d/e/y", "").link("d/up", "../x").link("d/e/near", "../e/y");
  tree_.file("x", "inside").link("l", (outside / "d").native());
  const Tree tree = must(scan(tree_.root(), {.links = Links::keep}));
  EXPECT_THAT(paths(tree), ElementsAre("l/", "l/e/", "l/e/near", "l/e/y", "l/up", "x"));
  EXPECT_EQ(tree.entries[4].type, EntryType::file) << "as a link it would lead to the other x";
  EXPECT_EQ(tree.entries[4].size_bytes, 7U);
  EXPECT_EQ(tree.entries[2].type, EntryType::link);
}

TEST_F(ScanTest, WarnsOfLinksThatLeadNowhere) {
  tree_.file("a", "").file("d/b", "").link("1", "a").link("2", "none").link("3", "d/../d/b");
  tree_.link("4", "1").link("5", "2").link("6", "d").link("7", "6/b").link("8", "8").link("9", ".");
  EXPECT_THAT(must(scan(tree_.root(), {.links = Links::keep})).warnings,
              ElementsAre("2 is a link to none, which isn't in the package",
                          "5 is a link to 2, which isn't in the package",
                          "8 is a link to 8, which isn't in the package"));
  EXPECT_THAT(must(scan(tree_.root(), {.excludes = {"b"}, .links = Links::keep})).warnings,
              testing::Contains("7 is a link to 6/b, which isn't in the package"));
}

TEST_F(ScanTest, IncludesOverrideEveryRuleButNotThoseOfFoldersAbove) {
  tree_.file(".gitignore", "*.log\nbuild/\n").file("a.log", "").file("b.log", "");
  tree_.file("build/a.log", "").file("c.tmp", "");
  for (const IgnoreSemantics semantics : {IgnoreSemantics::ray, IgnoreSemantics::git}) {
    const ScanOptions options{
        .excludes = {"*.tmp"}, .includes = {"a.log", "c.*"}, .semantics = semantics};
    EXPECT_THAT(scanned(options), testing::IsSupersetOf({"a.log", "c.tmp"}));
    EXPECT_THAT(scanned(options), testing::Not(testing::Contains("b.log")));
  }
  EXPECT_THAT(scanned({.includes = {"a.log"}, .semantics = IgnoreSemantics::git}),
              testing::Not(testing::Contains("build/a.log")))
      << "its folder is excluded";
  EXPECT_THAT(scanned({.includes = {"a.log", "build"}, .semantics = IgnoreSemantics::git}),
              testing::Contains("build/a.log"));
}

TEST_F(ScanTest, RecordsWhatOnlyTheOwnerMayRead) {
  tree_.file("a", "", 0600).file("b", "", 0640).file("c", "").file("d/e", "");
  ASSERT_EQ(::chmod((tree_ / "d").c_str(), 0750), 0);
  ASSERT_EQ(::chmod(tree_.root().c_str(), 0700), 0);
  std::string owner_only;
  for (const Entry& entry : must(scan(tree_.root(), {})).entries)
    if (entry.owner_only) owner_only += entry.path + " ";
  EXPECT_EQ(owner_only, "a b d d/e ") << "the root's own mode doesn't count";
}

TEST_F(ScanTest, RefusesALinkToAParentFolder) {
  tree_.file("a/b/f", "").link("a/b/loop", "../../a");
  EXPECT_THAT(scan(tree_.root(), {.links = Links::follow}),
              IsError(Errc::invalid_argument, "a/b/loop"));
  EXPECT_THAT(scan(tree_.root(), {.links = Links::keep}), IsOk());
  EXPECT_THAT(scan(tree_.root(), {.excludes = {"loop"}, .links = Links::follow}), IsOk());
}

TEST_F(ScanTest, RefusesAFolderThatLeadsBackBelowALinkToTheOutside) {
  tree_.file("inside/f", "").link("inside/out", "..");
  EXPECT_THAT(scan(tree_.root() / "inside", {.links = Links::follow}),
              IsError(Errc::invalid_argument, "inside/out/inside"));
}

TEST_F(ScanTest, NeverOpensSpecialFiles) {
  ASSERT_EQ(::mkfifo((tree_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(scanned({.links = Links::keep}), ElementsAre());
  EXPECT_THAT(scanned({.links = Links::follow}), ElementsAre("pipe"));
}

TEST_F(ScanTest, RefusesARootThatIsNotADirectory) {
  tree_.file("f", "");
  EXPECT_THAT(scan(tree_ / "none", {}), IsError(Errc::not_found, "doesn't exist"));
  EXPECT_THAT(scan(tree_ / "f", {}), IsError(Errc::invalid_argument, "isn't a directory"));
}

TEST(StaysInside, AcceptsOnlyTargetsThatCannotLeaveTheTree) {
  EXPECT_TRUE(stays_inside("a/l", "../x"));
  EXPECT_TRUE(stays_inside("l", "x/./y"));
  EXPECT_TRUE(stays_inside("a/b/l", "../../x"));
  EXPECT_FALSE(stays_inside("l", "../x"));
  EXPECT_FALSE(stays_inside("a/l", "../../x"));
  EXPECT_FALSE(stays_inside("l", "/x"));
  EXPECT_FALSE(stays_inside("l", ""));
  EXPECT_FALSE(stays_inside("l", "d/../x")) << "d may itself be a link, which leads out";
}

TEST(DefaultExcludes, MatchRaysAndCanBeOverridden) {
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
