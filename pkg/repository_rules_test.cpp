#include "pkg/repository_rules.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <thread>

#include "pkg/git_commit.hpp"
#include "pkg/git_fixture.hpp"
#include "pkg/git_repository.hpp"
#include "pkg/work_tree.hpp"

namespace rtenv::pkg {
namespace {

using testing::Contains;
using testing::ElementsAre;

class GitRulesTest : public GitRepositoryTest {
 protected:
  Tree scan_folder(const std::string& folder = ".", ScanOptions options = {}) {
    options.semantics = IgnoreSemantics::git;
    options.record_excluded = true;
    return must(scan(tree_ / folder, options));
  }
  static std::vector<std::string> reasons(const Tree& tree) {
    std::vector<std::string> result;
    for (const Excluded& item : tree.excluded)
      if (item.path != ".git") result.push_back(item.path + " " + item.reason);
    return result;
  }

  using Variables = std::map<std::string, std::string>;
  static Environment environment(const Variables& variables, bool has_git = true) {
    Environment result;
    for (const auto& [name, value] : variables) result.set(name, value);
    if (!has_git) result.set("PATH", "/nonexistent");
    return result;
  }
  Result<Tree> refusal(Environment git_environment) {
    return scan(tree_.root(),
                {.semantics = IgnoreSemantics::git, .git_environment = std::move(git_environment)});
  }
};

TEST_F(GitRulesTest, CountTheIgnoreFilesAboveTheFolder) {
  tree_.file(".gitignore", "*.log\n/a/b/c\n").file("a/.gitignore", "!keep.log\n");
  tree_.file("a/b/x.log", "").file("a/b/keep.log", "").file("a/b/c", "").file("a/b/d", "");
  const Tree tree = scan_folder("a/b");
  EXPECT_THAT(paths(tree), ElementsAre("d", "keep.log"));
  EXPECT_THAT(reasons(tree),
              ElementsAre("c ../../.gitignore:2: /a/b/c", "x.log ../../.gitignore:1: *.log"));
}

TEST_F(GitRulesTest, CountInfoExcludeAndTheUsersOwnFile) {
  tree_.file(".git/info/exclude", "*.tmp\n!keep\n")
      .file("a.tmp", "")
      .file("b.swp", "")
      .file("c", "");
  tree_.file("keep", "");
  TreeBuilder home;
  home.file("git/ignore", "*.swp\nkeep\n");
  const auto variables = environment({{"XDG_CONFIG_HOME", home.root().native()}});
  EXPECT_THAT(paths(scan_folder(".", {.git_environment = variables})), ElementsAre("c", "keep"));
  home.file("mine", "c\n");
  git("config core.excludesFile '" + (home / "mine").native() + "'");
  for (const bool has_git : {true, false})
    EXPECT_THAT(paths(scan_folder(".", {.git_environment = environment({}, has_git)})),
                ElementsAre("b.swp", "keep"));
}

TEST_F(GitRulesTest, CountTheSettingsOfGitsVariables) {
  tree_.file("a", "").file("b", "").file("c", "").file("d", "").file("e", "");
  TreeBuilder home;
  for (const char* name : {"a", "b", "c", "d"}) {
    home.file(std::string("rules-") + name, std::string(name) + "\n");
    home.file(std::string("config-") + name,
              fmt::format("[core]\nexcludesFile = {}/rules-{}\n", home.root().native(), name));
  }
  const auto listed = [&](const Variables& variables) {
    std::string names;
    for (const std::string& path :
         paths(scan_folder(".", {.git_environment = environment(variables)})))
      names += path;
    return names;
  };
  const auto file = [&](const std::string& name) { return (home / name).native(); };
  Variables variables{{"GIT_CONFIG_SYSTEM", file("config-a")},
                      {"GIT_CONFIG_GLOBAL", "/dev/null"},
                      {"GIT_DIR", "/nonexistent"}};
  EXPECT_EQ(listed(variables), "bcde");
  variables["GIT_CONFIG_NOSYSTEM"] = "yes";
  EXPECT_EQ(listed(variables), "abcde");
  variables["GIT_CONFIG_NOSYSTEM"] = "0";
  variables["GIT_CONFIG_GLOBAL"] = file("config-b");
  EXPECT_EQ(listed(variables), "acde");
  tree_.file(".git/config.worktree", must(read_file(home / "config-c")));
  EXPECT_EQ(listed(variables), "acde") << "only with the extension";
  git("config extensions.worktreeConfig true");
  EXPECT_EQ(listed(variables), "abde");
  variables["GIT_CONFIG_COUNT"] = " 1";
  variables["GIT_CONFIG_KEY_0"] = "include.path";
  variables["GIT_CONFIG_VALUE_0"] = file("config-d");
  EXPECT_EQ(listed(variables), "abce");
  variables["GIT_CONFIG_COUNT"] = "2";
  EXPECT_THAT(refusal(environment(variables)), IsError(Errc::invalid_argument, "GIT_CONFIG_KEY_1"));
  git("config --unset extensions.worktreeConfig");
  EXPECT_THAT(refusal(environment({{"GIT_CONFIG_COUNT", "0"}}, false)),
              IsError(Errc::not_found, "GIT_CONFIG_COUNT can be read only with the program 'git'"));
}

TEST_F(GitRulesTest, FollowEveryIncludeOrFail) {
  TreeBuilder home;
  home.file("rules", "f\n")
      .file("included", fmt::format("[core]\nexcludesFile = {}/rules\n", home.root().native()));
  tree_.file("f", "").file("g", "");
  git("remote add origin https://example.org/x");
  for (const char* section : {"include", "includeIf \"hasconfig:remote.*.url:https://*/**\""}) {
    const std::string text =
        fmt::format("[{}]\npath = {}/included\n", section, home.root().native());
    home.file(".gitconfig", text);
    const auto variables = environment({{"HOME", home.root().native()}});
    EXPECT_THAT(paths(scan_folder(".", {.git_environment = variables})), ElementsAre("g"));
    const std::string config = must(read_file(tree_ / ".git/config"));
    tree_.file(".git/config", config + text);
    EXPECT_THAT(refusal(environment({}, false)), IsError(Errc::not_found, "config includes"));
    tree_.file(".git/config", config);
  }
}

TEST_F(GitRulesTest, AreNotGuessedFromASettingThatCannotBeRead) {
  tree_.file("f", "");
  const std::string config = must(read_file(tree_ / ".git/config"));
  for (const char* setting : {"excludesFile = ~no-such-user/x", "excludesFile",
                              "ignoreCase = perhaps", "excludesFile = %(prefix)/x"}) {
    tree_.file(".git/config", fmt::format("{}[core]\n{}\n", config, setting));
    for (const bool has_git : {true, false}) {
      if (has_git && std::string_view(setting).ends_with("%(prefix)/x")) continue;  // git knows it
      EXPECT_FALSE(scan(tree_.root(), {.semantics = IgnoreSemantics::git,
                                       .git_environment = environment({}, has_git)}))
          << setting;
    }
  }
}

TEST_F(GitRulesTest, DoNotWaitForAPipe) {
  tree_.file("f", "");
  git("add f");
  git("commit -q -m message");
  git("pack-refs --all");
  for (const char* name : {".git/index", ".git/config", ".git/HEAD", ".git/packed-refs",
                           ".git/commondir", ".git/info/exclude", ".git/objects/info/alternates",
                           ".git/refs/heads/x", ".git/objects/ab/cdef", ".git/logs/HEAD"}) {
    std::filesystem::create_directories((tree_ / name).parent_path());
    std::filesystem::rename(tree_ / ".git", tree_ / "saved");
    std::filesystem::copy(tree_ / "saved", tree_ / ".git",
                          std::filesystem::copy_options::recursive);
    std::filesystem::remove(tree_ / name);
    ASSERT_EQ(::mkfifo((tree_ / name).c_str(), 0600), 0) << name;
    EXPECT_THAT(refusal({}), IsError(Errc::corrupt, "is a pipe or device")) << name;
    EXPECT_THAT(scan_commit(tree_.root(), "HEAD", {}),
                IsError(Errc::corrupt, "is a pipe or device"))
        << name;
    std::filesystem::remove_all(tree_ / ".git");
    std::filesystem::rename(tree_ / "saved", tree_ / ".git");
  }
}

TEST_F(GitRulesTest, ArePatientWithAnIncludedPipeUntilCancelled) {
  ASSERT_EQ(::mkfifo((tree_ / "pipe").c_str(), 0600), 0);
  git("config include.path ../pipe");
  const auto cancellation = must(Cancellation::create());
  const std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    cancellation.request();
  });
  EXPECT_THAT(
      scan(tree_.root(), {.semantics = IgnoreSemantics::git, .cancellation = &cancellation}),
      IsError(Errc::cancelled, "interrupted"));
}

TEST_F(GitRulesTest, IgnoreCaseIfGitDoes) {
  tree_.file(".gitignore", "*.LOG\nBuild/\n").file("a.log", "").file("B.Log", "").file("c", "");
  tree_.file("build/x", "").file("kept.log", "").file("sub/.gitignore", "C\n").file("sub/c", "");
  git("add -f kept.log");
  tree_.file(".rayignore", "SUB\n");
  EXPECT_THAT(paths(scan_folder()), Contains("a.log"));
  git("config core.ignoreCase true");
  std::filesystem::rename(tree_ / "kept.log", tree_ / "KEPT.log");
  EXPECT_THAT(paths(scan_folder()),
              ElementsAre(".gitignore", ".rayignore", "KEPT.log", "c", "sub/", "sub/.gitignore"));
}

TEST_F(GitRulesTest, NeverExcludeWhatIsTracked) {
  tree_.file(".gitignore", "*.log\nbuild/\n").file("a.log", "").file("b.log", "");
  tree_.file("build/kept", "").file("build/other", "").file("build/sub/other", "");
  tree_.file("venv/kept", "").file("venv/other", "");
  git("add -f a.log build/kept venv/kept");
  const Tree tree = scan_folder(".", {.default_excludes = {"venv"}});
  EXPECT_THAT(paths(tree),
              ElementsAre(".gitignore", "a.log", "build/", "build/kept", "venv/", "venv/kept"));
  EXPECT_THAT(reasons(tree),
              ElementsAre("b.log .gitignore:1: *.log", "build/other .gitignore:2: build/",
                          "build/sub .gitignore:2: build/", "venv/other excludes: venv"));
  tree_.file(".rayignore", "a.log\n");
  EXPECT_THAT(paths(scan_folder(".", {.default_excludes = {"venv"}, .excludes = {"kept"}})),
              ElementsAre(".gitignore", ".rayignore"))
      << "the user's own rules count";
  EXPECT_THAT(paths(scan_folder(".", {.use_gitignore = false})), Contains("b.log"));
}

// For git, a link is no folder, so a pattern with a slash at its end doesn't match it.
TEST_F(GitRulesTest, ForFoldersDoNotMatchLinksToThem) {
  TreeBuilder outside;
  outside.file("f", "");
  tree_.file(".gitignore", "data/\ntracked/\nin/\nname\n").file("there/f", "");
  for (const char* name : {"data", "tracked", "name"}) tree_.link(name, outside.root().native());
  tree_.link("in", "there");
  git("add -f tracked");
  EXPECT_THAT(paths(scan_folder()), ElementsAre(".gitignore", "data/", "data/f", "in", "there/",
                                                "there/f", "tracked/", "tracked/f"));
  EXPECT_THAT(paths(scan_folder(".", {.links = Links::follow})), Contains("in/f"));
}

TEST_F(GitRulesTest, AreThoseOfANestedRepositoryInIt) {
  tree_.file(".gitignore", "*.log\n")
      .file("in/x.log", "")
      .file("in/y.tmp", "")
      .file("in/z.tmp", "");
  tree_.file("in/.gitignore", "*.tmp\n");
  git("-C in init -q");
  git("-C in add -f z.tmp");
  const Tree tree = scan_folder();
  EXPECT_THAT(paths(tree),
              ElementsAre(".gitignore", "in/", "in/.gitignore", "in/x.log", "in/z.tmp"));
  EXPECT_THAT(reasons(tree), ElementsAre("in/.git git: .git", "in/y.tmp in/.gitignore:1: *.tmp"));
  tree_.file(".rayignore", "x.log\n");
  EXPECT_THAT(paths(scan_folder()), testing::Not(Contains("in/x.log")));
}

TEST_F(GitRulesTest, DoNotExcludeWhatAnOuterRepositoryTracks) {
  tree_.file("in/x.log", "").file("in/d/y", "").file(".gitignore", "");
  git("add .");
  git("init -q in");
  tree_.file("in/.git/info/exclude", "*\n").file("in/d/z", "");
  EXPECT_THAT(paths(scan_folder()),
              ElementsAre(".gitignore", "in/", "in/d/", "in/d/y", "in/x.log"));
}

TEST_F(GitRulesTest, PackASubmoduleAsItsRepositorySaysAndAnEmptyOneAsAFolder) {
  TreeBuilder other;
  other.file("f", "");
  git("-C '" + other.root().native() + "' init -q");
  git("-C '" + other.root().native() + "' add f");
  git("-C '" + other.root().native() + "' commit -q -m message");
  tree_.file(".gitignore", "lib\nempty\n");
  git("submodule add -q -f '" + other.root().native() + "' lib/one");
  git("submodule add -q -f '" + other.root().native() + "' empty");
  git("submodule deinit -q -f empty");
  tree_.file("lib/other", "");
  EXPECT_THAT(paths(scan_folder()),
              ElementsAre(".gitignore", ".gitmodules", "empty/", "lib/", "lib/one/", "lib/one/f"));
}

TEST_F(GitRulesTest, LeaveOutFoldersWithoutFiles) {
  tree_.directory("empty/deep").file(".gitignore", "*.log\n").file("logs/x.log", "").file("f", "");
  EXPECT_THAT(paths(scan_folder()), ElementsAre(".gitignore", "f"));
  EXPECT_THAT(paths(must(scan(tree_.root(), {.excludes = {".git"}}))),
              ElementsAre(".gitignore", "empty/", "empty/deep/", "f", "logs/"));
}

TEST_F(GitRulesTest, CountInAnotherWorkTree) {
  tree_.file("f", "").file(".git/info/exclude", "*.tmp\n");
  git("add f");
  git("commit -q -m message");
  TreeBuilder outside;
  git("worktree add -q '" + (outside / "tree").native() + "'");
  outside.file("tree/a.tmp", "").file("tree/b", "");
  const ScanOptions options{.semantics = IgnoreSemantics::git};
  EXPECT_THAT(paths(must(scan(outside / "tree", options))), ElementsAre("b", "f"));
}

TEST_F(GitRulesTest, ApplyToAFolderThatIsIgnoredItselfIfItIsTheRoot) {
  tree_.file(".gitignore", "dist/\n*.log\n").file("dist/f", "").file("dist/x.log", "");
  EXPECT_THAT(paths(scan_folder("dist")), ElementsAre("f"));
}

TEST_F(GitRulesTest, AreReadAgainIfTheyChangeMeanwhile) {
  tree_.file("f", "").file("g.log", "");
  const ScanOptions options{.semantics = IgnoreSemantics::git};
  Scan before = must(Scan::run(tree_.root(), options));
  EXPECT_TRUE(before.names_are_unchanged(options));
  git("status");
  git("update-index --refresh");
  EXPECT_TRUE(before.names_are_unchanged(options)) << "the index says the same";
  tree_.file(".git/info/exclude", "*.log\n");
  EXPECT_FALSE(before.names_are_unchanged(options));
  Scan later = must(Scan::run(tree_.root(), options));
  git("add -f g.log");
  EXPECT_FALSE(later.names_are_unchanged(options));
}

TEST_F(GitRulesTest, NeedARepositoryThatCanBeRead) {
  tree_.file(".git/index", "not an index");
  EXPECT_THAT(scan(tree_.root(), {.semantics = IgnoreSemantics::git}),
              IsError(Errc::corrupt, "cannot read the index of"));
  EXPECT_THAT(scan(tree_.root(), {.use_gitignore = false, .semantics = IgnoreSemantics::git}),
              IsOk());
}

TEST_F(GitRulesTest, SayWhatToDoAboutAFormatThatCannotBeRead) {
  const auto hint_after = [&](const std::string& command) {
    git(command);
    const auto result = scan(tree_.root(), {.semantics = IgnoreSemantics::git});
    return result ? "none" : result.error().hint();
  };
  tree_.file("d/f", "").file("e/f", "");
  git("add .");
  git("commit -q -m message");
  EXPECT_THAT(hint_after("update-index --split-index"), testing::HasSubstr("--no-split-index"));
  EXPECT_EQ(hint_after("update-index --no-split-index"), "none");
  EXPECT_THAT(hint_after("sparse-checkout set --cone --sparse-index d"),
              testing::HasSubstr("--no-sparse-index"));
  EXPECT_EQ(hint_after("sparse-checkout reapply --no-sparse-index"), "none");
  std::filesystem::remove_all(tree_ / ".git");
  EXPECT_THAT(hint_after("init -q --object-format=sha256"), testing::HasSubstr("SHA-256"));
}

// The number of descriptors is that of the process: a test in a child.
TEST_F(GitRulesTest, SayThatDescriptorsAreLackingAndNothingElse) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer for undefined behavior opens a pipe to look at an object";
#endif
  must(git_library());
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none_left{3, 3};
    ::setrlimit(RLIMIT_NOFILE, &none_left);
    const auto result = GitRepository::open(tree_.root(), GitProgram({}));
    ::_exit(!result && result.error().code() == Errc::unavailable ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(GitRulesTest, AreNotTakenFromTheRepositoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  for (const char* path : {".", ".git"}) ASSERT_EQ(::lchown((tree_ / path).c_str(), 12345, 1), 0);
  EXPECT_THAT(scan(tree_.root(), {.semantics = IgnoreSemantics::git}),
              IsError(Errc::permission_denied, "belongs to another user"));
  EXPECT_THAT(scan_commit(tree_.root(), "HEAD", {}),
              IsError(Errc::permission_denied, "belongs to another user"));
  const auto trusting = environment({{"GIT_CONFIG_COUNT", "1"},
                                     {"GIT_CONFIG_KEY_0", "safe.directory"},
                                     {"GIT_CONFIG_VALUE_0", "*"}});
  EXPECT_THAT(refusal(trusting), IsOk()) << "git trusts it";
  EXPECT_THAT(refusal({}), IsError(Errc::permission_denied, "belongs to another user"));
}

TEST_F(GitRulesTest, AreInRegularFilesOnly) {
  tree_.directory(".gitignore").directory("a/.gitignore").file("a/b/f", "").file("a/b/g", "");
  std::filesystem::remove(tree_ / ".git/info/exclude");
  tree_.directory(".git/info/exclude");
  for (const Path& rules : {tree_ / "a", Path("/dev/null")}) {
    git("config core.excludesFile '" + rules.native() + "'");
    EXPECT_THAT(paths(scan_folder("a/b")), ElementsAre("f", "g"));
  }
}

TEST_F(GitRulesTest, FindTheWorkTree) {
  tree_.file("a/b/f", "").file("broken/.git", "gitdir: nowhere\n").file("junk/.git/x", "");
  const Path root = std::filesystem::canonical(tree_.root());
  EXPECT_EQ(find_work_tree(root / "a/b"), root);
  EXPECT_EQ(find_work_tree(root / "broken"), root) << "its .git leads nowhere";
  EXPECT_EQ(find_work_tree(root / "junk"), root);
  EXPECT_EQ(find_work_tree(root / ".git/info"), std::nullopt);
  EXPECT_EQ(find_work_tree("/proc/self"), std::nullopt);
}

}  // namespace
}  // namespace rtenv::pkg
