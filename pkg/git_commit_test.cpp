#include "pkg/git_commit.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "pkg/content_source.hpp"
#include "pkg/git_fixture.hpp"

namespace rtenv::pkg {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class GitCommitTest : public GitRepositoryTest {
 protected:
  void commit() {
    git("add -A -f");
    git("commit -q -m message");
  }
  // Runs a script with the settings of `git`.
  void script(const std::string& text) {
    TreeBuilder folder;
    folder.file("script", "set -e\n" + text + "\n");
    git("-c alias.script='!sh " + (folder / "script").native() + "' script");
  }
  static std::string commit_of(const std::string& tree_command) {
    return "git update-ref HEAD $(git commit-tree -m message $(" + tree_command + "))";
  }
  Result<Tree> scan(const ScanOptions& options = {}, const std::string& revision = "HEAD") {
    return scan_commit(tree_.root(), revision, options);
  }
  static std::string content(const Tree& tree, const std::string& path) {
    std::string text;
    for (const Entry& entry : tree.entries)
      if (entry.path == path)
        must(tree.content->reader()->read_all(
            entry, [&](std::span<const std::byte> piece) -> Result<void> {
              text.append(as_text(piece));
              return {};
            }));
    return text;
  }
  // The name of the commit, by the same code as `rtenv pack --git-revision`.
  PackageName name_of_commit(Scheme scheme = Scheme::xxh3) {
    return must(name_directory(tree_.root(), {.zip = {.scheme = scheme}, .git_revision = "HEAD"}))
        .name();
  }
  PackageName name_of_checkout(Scheme scheme = Scheme::xxh3) {
    const TreeBuilder checkout;
    git("archive HEAD | tar -x -C '" + checkout.root().native() + "'");
    return name_of(checkout, scheme);
  }
};

TEST_F(GitCommitTest, ReadsTheCommitNotTheWorkingTree) {
  tree_.file("d/f", "committed").file("run", "#!", 0755).link("l", "d/f");
  commit();
  tree_.file("d/f", "changed").file("new", "");
  const Tree tree = must(scan());
  EXPECT_THAT(paths(tree), ElementsAre("d/", "d/f", "l", "run"));
  EXPECT_EQ(content(tree, "d/f"), "committed");
  EXPECT_TRUE(tree.entries[3].executable);
  EXPECT_EQ(tree.entries[2].link_target, "d/f");
  EXPECT_EQ(tree.entries[1].size_bytes, 9U);
}

TEST_F(GitCommitTest, HasTheSameNameAsACheckout) {
  tree_.file("a-b", "1").file("a/b", std::string(3'000'000, 'x')).file("empty", "");
  tree_.file("run", "#!", 0755).link("a/in", "b").link("folder", "a");
  commit();
  for (const Scheme scheme : {Scheme::xxh3, Scheme::ray})
    EXPECT_EQ(name_of_commit(scheme), name_of_checkout(scheme));
}

TEST_F(GitCommitTest, ReadsAnyPartOfALargeFile) {
  std::string text = random_bytes(2'500'000, 3);
  tree_.file("large", text);
  commit();
  const Tree tree = must(scan());
  RawBytes part(1000);
  must(must(tree.content->open(tree.entries[0]))->read_at(2'000'000, part));
  EXPECT_TRUE(as_text(part) == text.substr(2'000'000, 1000));
}

TEST_F(GitCommitTest, FindsRevisions) {
  tree_.file("old", "");
  commit();
  git("tag first");
  tree_.file("new", "");
  commit();
  EXPECT_THAT(paths(must(scan({}, "first"))), ElementsAre("old"));
  EXPECT_THAT(paths(must(scan({}, "HEAD~1"))), ElementsAre("old"));
  EXPECT_THAT(scan({}, "nowhere"), IsError(Errc::not_found, "no revision 'nowhere'"));
  EXPECT_THAT(scan({}, "HEAD:new"), IsError(Errc::invalid_argument, "isn't a commit"));
}

TEST_F(GitCommitTest, ScansASubfolderOfTheCommit) {
  tree_.file("job/f", "1").file("other", "");
  commit();
  tree_.file("later/f", "");
  EXPECT_THAT(paths(must(scan_commit(tree_ / "job", "HEAD", {}))), ElementsAre("f"));
  EXPECT_THAT(scan_commit(tree_ / "later", "HEAD", {}),
              IsError(Errc::not_found, "has no folder later"));
  const TreeBuilder elsewhere;
  EXPECT_THAT(scan_commit(elsewhere.root(), "HEAD", {}),
              IsError(Errc::not_found, "isn't in a git repository"));
}

TEST_F(GitCommitTest, AppliesTheIgnoreFilesOfTheCommit) {
  tree_.file(".gitignore", "*.log\n").file("x.log", "").file("y", "");
  tree_.file("own/.gitignore", "*\n").file("own/f", "");
  commit();
  tree_.file(".gitignore", "y\n");
  const Tree tree = must(scan({.record_excluded = true}));
  EXPECT_THAT(paths(tree), ElementsAre(".gitignore", "y"));
  ASSERT_EQ(tree.excluded.size(), 2U);
  EXPECT_EQ(tree.excluded[0].reason, "own/.gitignore:1: *");
  EXPECT_EQ(tree.excluded[1].reason, ".gitignore:1: *.log");
  EXPECT_THAT(paths(must(scan({.excludes = {"y"}, .use_gitignore = false}))),
              ElementsAre(".gitignore", "own/", "own/.gitignore", "own/f", "x.log"));
}

TEST_F(GitCommitTest, AppliesTheGitattributesOfTheCommit) {
  tree_.file(".gitattributes", "*.txt text eol=crlf\nid ident\n").file("a.txt", "1\n2\n");
  tree_.file("b", "1\n").file("id", "$Id$\n");
  commit();
  const Tree tree = must(scan());
  EXPECT_EQ(content(tree, "a.txt"), "1\r\n2\r\n");
  EXPECT_EQ(content(tree, "b"), "1\n");
  EXPECT_THAT(content(tree, "id"), HasSubstr("$Id: "));
  EXPECT_EQ(name_of_commit(), name_of_checkout());
}

TEST_F(GitCommitTest, FollowsLinksWithinTheCommit) {
  tree_.file("d/f", "x").file("up/e/g", "y").link("up/e/l", "../../d");
  tree_.link("chain", "up/e/l/f").link("out", "/etc/passwd").link("d/gone", "missing");
  commit();
  const Tree tree = must(scan({.links = Links::follow}));
  EXPECT_THAT(paths(tree), ElementsAre("chain", "d/", "d/f", "d/gone", "out", "up/", "up/e/",
                                       "up/e/g", "up/e/l/", "up/e/l/f", "up/e/l/gone"));
  EXPECT_EQ(content(tree, "chain"), "x");
  EXPECT_EQ(content(tree, "up/e/l/f"), "x");
  EXPECT_EQ(tree.entries[3].type, EntryType::name_only);
  const Tree kept = must(scan({.links = Links::keep}));
  ASSERT_EQ(kept.excluded.size(), 1U);
  EXPECT_EQ(kept.excluded[0].path, "out");
}

TEST_F(GitCommitTest, RefusesALinkToAParentFolder) {
  tree_.file("a/b/f", "").link("a/b/loop", "../../a");
  tree_.link("x", "y").link("y", "x");
  commit();
  EXPECT_THAT(scan({.links = Links::follow}),
              IsError(Errc::invalid_argument, "a/b/loop is a link that leads back"));
  const Tree tree = must(scan({.excludes = {"loop"}, .links = Links::follow}));
  EXPECT_EQ(tree.entries.back().type, EntryType::name_only) << "y, a cycle of links";
}

TEST_F(GitCommitTest, WarnsAboutSubmodulesAndLfsPointers) {
  tree_.file("model", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n");
  tree_.file("sub/f", "");
  git("-C sub init -q");
  git("-C sub add f");
  git("-C sub commit -q -m message");
  commit();
  const Tree tree = must(scan());
  EXPECT_THAT(paths(tree), ElementsAre("model", "sub/"));
  EXPECT_TRUE(tree.entries[1].childless);
  EXPECT_THAT(tree.warnings, ElementsAre(HasSubstr("model is a git-lfs pointer"),
                                         HasSubstr("sub is a submodule")));
}

// What is in the working tree or staged isn't in the commit.
TEST_F(GitCommitTest, FollowsTheAttributesOfTheCommitOnly) {
  tree_.file("f", "a\n").file("d/g", "").file(".gitattributes", "f eol=crlf\n");
  commit();
  tree_.file(".gitattributes", "f -text\n");
  EXPECT_EQ(content(must(scan()), "f"), "a\r\n");
  git("add .");
  EXPECT_EQ(content(must(scan()), "f"), "a\r\n");
  ASSERT_EQ(::mkfifo((tree_ / "d/.gitattributes").c_str(), 0600), 0);
  EXPECT_EQ(content(must(scan()), "f"), "a\r\n");
  ASSERT_EQ(::mkfifo((tree_ / "pipe").c_str(), 0600), 0);
  git("config core.attributesFile '" + (tree_ / "pipe").native() + "'");
  EXPECT_THAT(scan(), IsError(Errc::corrupt, "pipe is a pipe or device"));
}

TEST_F(GitCommitTest, RefusesNamesThatNoCheckoutHas) {
  const std::string empty_blob =
      "\xe6\x9d\xe2\x9b\xb2\xd1\xd6\x43\x4b\x8b\x29\xae\x77\x5a\xd8\xc2\xe4\x8c\x53\x91";
  for (const std::string name :
       {"..", ".", ".git", ".GIT", "a/a", "../../x", "..\\x", "c:", "twice"}) {
    const std::string entry = "100644 " + name + '\0' + empty_blob;
    tree_.file("tree", name == "twice" ? entry + entry : entry);
    script("git hash-object -w --stdin </dev/null\n" +
           commit_of("git hash-object -t tree -w --literally tree"));
    EXPECT_THAT(scan(), IsError(Errc::corrupt, "the commit is damaged or hostile")) << name;
  }
}

TEST_F(GitCommitTest, HasNoUnfinishedFiles) {
  tree_.file(".rtenv-unfinished-x", "").file("f", "");
  commit();
  EXPECT_THAT(paths(must(scan())), ElementsAre("f"));
}

// The same folder is there 2^40 times.
TEST_F(GitCommitTest, LooksOnceForAttributesInEachFolder) {
  script(
      "t=$(git mktree </dev/null)\n"
      "for i in $(seq 40); do\n"
      "  t=$(printf \"040000 tree $t\\ta\\n040000 tree $t\\tb\\n\" | git mktree)\n"
      "done\n" +
      commit_of("echo $t"));
  EXPECT_THAT(paths(must(scan({.excludes = {"*"}}))), ElementsAre());
}

TEST_F(GitCommitTest, ReadsABareRepository) {
  tree_.file("f", "x");
  commit();
  const TreeBuilder bare;
  git("clone -q --bare . '" + (bare / "r.git").native() + "'");
  EXPECT_THAT(paths(must(scan_commit(bare / "r.git", "HEAD", {}))), ElementsAre("f"));
}

}  // namespace
}  // namespace rtenv::pkg
