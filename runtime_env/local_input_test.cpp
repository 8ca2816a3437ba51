#include "runtime_env/local_input.hpp"

#include <cstdlib>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using testing::ElementsAre;
using Kind = LocalInput::Kind;

class LocalInputTest : public testing::Test {
 protected:
  LocalInput add(Kind kind, const std::string& path) {
    LocalInputs inputs;
    const auto index = must(inputs.add(kind, tree_ / path));
    return inputs[index];
  }
  std::string content(const std::string& project = "p") {
    return add(Kind::project, project).content.front();
  }
  // Into a new folder, at copy_.
  Result<void> copy(const LocalInput& input) {
    std::filesystem::remove_all(out_ / "of");
    out_.directory("of");
    copy_ = out_.root() / "of" / input.path.filename();
    return copy_input(input, {}, copy_);
  }
  void git(const std::string& arguments, const std::string& folder = "p") {
    const std::string command = "cd '" + (tree_ / folder).native() +
                                "' && HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 git -c user.name=n "
                                "-c user.email=e -c protocol.file.allow=always " +
                                arguments + " >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  }

  TreeBuilder tree_;
  TreeBuilder out_;
  Path copy_;
};

TEST_F(LocalInputTest, RefusesAnOriginalThatChangedSinceItWasPlanned) {
  tree_.file("x.whl", "one").file("dist/x.whl", "one").file("p/setup.py", "one");
  for (const auto& [kind, path, changed] :
       {std::tuple(Kind::wheel, "x.whl", "x.whl"), std::tuple(Kind::file, "x.whl", "x.whl"),
        std::tuple(Kind::package_folder, "dist", "dist/x.whl"),
        std::tuple(Kind::package_folder, "dist", "dist/new.whl"),
        std::tuple(Kind::project, "p", "p/setup.py")}) {
    const LocalInput planned = add(kind, path);
    tree_.file(changed, "two");
    EXPECT_THAT(copy(planned), IsError(Errc::changed, "changed while")) << path;
    tree_.file("x.whl", "one").file("dist/x.whl", "one").file("p/setup.py", "one");
    std::filesystem::remove(tree_ / "dist/new.whl");
    EXPECT_THAT(copy(planned), IsOk()) << path;
  }
}

TEST_F(LocalInputTest, CopiesTheFileBehindALink) {
  tree_.file("real", "one").link("x.whl", "real").link("dist/x.whl", "../real");
  must(copy(add(Kind::wheel, "x.whl")));
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(copy_)));
  must(copy(add(Kind::package_folder, "dist")));
  EXPECT_EQ(content_of(copy_ / "x.whl"), "one");
}

TEST_F(LocalInputTest, OnlyPackagesOfAFolderCountAndAreCopied) {
  tree_.file("dist/x.whl", "x").file("dist/main.py", "a").file("dist/sub/y.whl", "y");
  const LocalInput folder = add(Kind::package_folder, "dist");
  EXPECT_EQ(folder.content.size(), 1U);
  tree_.file("dist/main.py", "b");
  must(copy(folder));
  EXPECT_FALSE(std::filesystem::exists(copy_ / "main.py"));
}

TEST_F(LocalInputTest, WhatBuildsLeaveInAProjectNeitherCountsNorIsCopied) {
  tree_.file("p/setup.py", "").file("p/m/x.py", "");
  const std::string before = content();
  tree_.file("p/m/__pycache__/x.pyc", "")
      .file("p/p.egg-info/SOURCES.txt", "a")
      .file("p/.venv/lib/x", "");
  EXPECT_EQ(content(), before);
  must(copy(add(Kind::project, "p")));
  EXPECT_FALSE(std::filesystem::exists(copy_ / "m/__pycache__"));
  EXPECT_FALSE(std::filesystem::exists(copy_ / "p.egg-info"));
  tree_.file("p/m/y.py", "");
  EXPECT_NE(content(), before);
}

TEST_F(LocalInputTest, AnUnpackedSourceDistributionKeepsItsListOfFiles) {
  tree_.file("p/setup.py", "").file("p/PKG-INFO", "").file("p/p.egg-info/SOURCES.txt", "a");
  const std::string before = content();
  tree_.file("p/p.egg-info/SOURCES.txt", "b");
  EXPECT_NE(content(), before);
  must(copy(add(Kind::project, "p")));
  EXPECT_TRUE(std::filesystem::exists(copy_ / "p.egg-info"));
}

TEST_F(LocalInputTest, OfARepositoryTheCommitAndTheTagsCount) {
  tree_.file("p/setup.py", "");
  git("init -q");
  git("add -A");
  git("commit -q -m one");
  const std::string before = content();
  tree_.file("p/.git/FETCH_HEAD", "x");
  git("gc -q");
  EXPECT_EQ(content(), before) << "git's own files don't";
  git("tag v1");
  const std::string tagged = content();
  EXPECT_NE(tagged, before);
  git("commit -q --allow-empty -m two");
  EXPECT_NE(content(), tagged);
  must(copy(add(Kind::project, "p")));
  EXPECT_TRUE(std::filesystem::is_directory(copy_ / ".git"));
}

TEST_F(LocalInputTest, ASubmoduleAndALinkedWorkingTreeAreCopiedWithTheirRepository) {
  tree_.file("p/setup.py", "").directory("outer");
  git("init -q");
  git("add -A");
  git("commit -q -m one");
  git("worktree add -q ../linked");
  git("init -q", "outer");
  git("submodule --quiet add ../p inner", "outer");
  const std::string expected = content();
  for (const char* folder : {"linked", "outer/inner"}) {
    const LocalInput project = add(Kind::project, folder);
    EXPECT_EQ(project.content.front(), expected) << folder;
    EXPECT_THAT(copy(project), IsOk()) << folder;
  }
}

TEST_F(LocalInputTest, MarksBecomeThePathsOfCopies) {
  EXPECT_EQ(with_copies("a @ " + url_mark(1) + " ; m " + path_mark(0) + "!", {"/a b", "/c d"}),
            "a @ file:///c%20d ; m /a b!");
  LocalInputs inputs;
  tree_.file("x.whl", "x");
  const auto wheel = must(inputs.add(Kind::wheel, tree_ / "x.whl"));
  EXPECT_EQ(must(inputs.add(Kind::wheel, tree_ / "x.whl")), wheel) << "once";
  const auto list = inputs.add_list("x @ " + url_mark(wheel));
  must(copy_input(inputs[list], {"/copy/x.whl"}, out_ / "list"));
  EXPECT_EQ(content_of(out_ / "list"), "x @ file:///copy/x.whl");
}

}  // namespace
}  // namespace rtenv::runtime_env
