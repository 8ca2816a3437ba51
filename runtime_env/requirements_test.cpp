#include "runtime_env/requirements.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/requirement_line.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using testing::ElementsAre;
using Kind = RequirementLine::Kind;

TEST(RequirementLine, TellsLocalFilesFromNamesAndUrls) {
  const auto kind = [](std::string_view line) { return parse_requirement_line(line).kind; };
  EXPECT_EQ(kind("six"), Kind::requirement);
  EXPECT_EQ(kind("pandas[excel]>=2 ; python_version > '3.8'"), Kind::requirement);
  EXPECT_EQ(kind("https://host/x-1-py3-none-any.whl"), Kind::requirement);
  EXPECT_EQ(kind("git+https://host/repo.git#egg=x"), Kind::requirement);
  EXPECT_EQ(kind("/a/x-1-py3-none-any.whl"), Kind::local);
  EXPECT_EQ(kind("wheels/x-1-py3-none-any.whl"), Kind::local);
  EXPECT_EQ(kind("./source"), Kind::local);
  EXPECT_EQ(kind("x @ file:///a/x.whl"), Kind::local);
  EXPECT_EQ(kind("s3://bucket/x-1-py3-none-any.whl"), Kind::remote);
  EXPECT_EQ(kind("file:///a/x.whl#sha256=00"), Kind::remote);
  EXPECT_EQ(kind("  # only a comment"), Kind::empty);
  EXPECT_EQ(kind("--no-index"), Kind::option);
}

TEST(RequirementLine, TakesALocalPathApart) {
  const auto line = parse_requirement_line(
      "/a b/x-1-py3-none-any.whl[extra,two] ; python_version > \"3.8\"  # why");
  EXPECT_EQ(line.text, "/a b/x-1-py3-none-any.whl");
  EXPECT_EQ(line.extras, "[extra,two]");
  EXPECT_EQ(line.suffix, " ; python_version > \"3.8\"");
  const auto named = parse_requirement_line("x[e] @ file:///a%20b/x.whl --hash=sha256:00");
  EXPECT_EQ(named.text + "|" + named.extras + "|" + named.suffix,
            "/a b/x.whl|[e]| --hash=sha256:00");
}

TEST(RequirementLine, TakesAUriOfAStoreApart) {
  const auto line = parse_requirement_line(
      "lib[two] @ gs://b/a b/lib-1-py3-none-any.whl#sha256=00 ; python_version > '3'");
  EXPECT_EQ(line.kind, Kind::remote);
  EXPECT_EQ(line.text + "|" + line.extras + "|" + line.suffix,
            "gs://b/a b/lib-1-py3-none-any.whl#sha256=00|[two]| ; python_version > '3'");
}

TEST(RequirementLine, KnowsEverySpellingOfAnInclude) {
  for (const char* text :
       {"-r a.txt", "-ra.txt", "--requirement a.txt", "--requirement=a.txt", "-r \"a.txt\""}) {
    const auto line = parse_requirement_line(text);
    EXPECT_EQ(line.kind, Kind::include) << text;
    EXPECT_EQ(line.text, "a.txt") << text;
  }
}

TEST(RequirementLine, ABackslashJoinsLines) {
  EXPECT_THAT(logical_lines("a \\\n --hash=x\r\nb\n# c \\\nd"),
              ElementsAre("a  --hash=x", "b", "# c \\", "d"));
}

class Requirements : public testing::Test {
 protected:
  Result<ResolvedRequirements> resolve(std::vector<std::string> list,
                                       std::vector<std::string> options = {}) {
    Environment node;
    RTENV_TRY(auto phases,
              resolve_requirements(
                  {.requirements = std::move(list), .install_options = std::move(options)},
                  Variables(tree_.root(),
                            {{"WHEELS", "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels"}}, node),
                  [this](const std::string& uri) -> Result<Path> {
                    return tree_ / ("bucket" + uri.substr(uri.rfind('/')));
                  }));
    return std::move(phases.front());
  }
  std::string key(std::vector<std::string> list, std::vector<std::string> options = {}) {
    return must(resolve(std::move(list), std::move(options))).key_parts.dump();
  }
  TreeBuilder tree_;
};

constexpr const char* k_wheel = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/x-1-py3-none-any.whl";

TEST_F(Requirements, AWheelCountsByItsContentNotByItsPlace) {
  tree_.file("wheels/x-1-py3-none-any.whl", "one")
      .file("other/x-1-py3-none-any.whl", "one")
      .file("script.py", "a");
  const std::string before = key({k_wheel});
  tree_.file("script.py", "b");
  EXPECT_EQ(key({k_wheel}), before) << "a script beside it says nothing";
  EXPECT_EQ(key({"./other/x-1-py3-none-any.whl"}), before);
  EXPECT_EQ(key({"$WHEELS/x-1-py3-none-any.whl"}), before);
  tree_.file("wheels/x-1-py3-none-any.whl", "two");
  EXPECT_NE(key({k_wheel}), before);
}

TEST_F(Requirements, AnObjectOfAStoreCountsAsTheLocalFileWithItsContent) {
  tree_.file("wheels/x-1-py3-none-any.whl", "one").file("bucket/x-1-py3-none-any.whl", "one");
  EXPECT_EQ(key({"s3://b/some/x-1-py3-none-any.whl"}), key({k_wheel}));
  EXPECT_EQ(key({"x @ gs://b/x-1-py3-none-any.whl"}), key({k_wheel}));
  tree_.file("bucket/list.txt", "s3://b/x-1-py3-none-any.whl\n");
  EXPECT_EQ(key({"-r s3://b/list.txt"}), key({k_wheel}));
}

TEST_F(Requirements, TheOrderOfNamesDoesNotCountThatOfOptionsDoes) {
  EXPECT_EQ(key({"six", "requests"}), key({"requests", "six"}));
  EXPECT_NE(key({"-i https://a/", "--extra-index-url https://b/"}),
            key({"--extra-index-url https://b/", "-i https://a/"}));
}

TEST_F(Requirements, NestedFilesAreReadInWithTheirVariables) {
  tree_.file("wheels/x-1-py3-none-any.whl", "x")
      .file("requirements.txt", "six\n-r more/nested.txt\n-c limits.txt\n")
      .file("more/nested.txt",
            "$<RAY_RUNTIME_ENV_CREATE_WORKING_DIR>/wheels/x-1-py3-none-any.whl\n-r deep.txt\n")
      .file("more/deep.txt", "requests # beside the file that names it\n")
      .file("limits.txt", "urllib3<2\n");
  const auto resolved =
      must(resolve({"-r ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/requirements.txt"}));
  EXPECT_THAT(resolved.lines,
              ElementsAre("six", "x @ file://" + (tree_ / "wheels/x-1-py3-none-any.whl").native(),
                          "requests"));
  EXPECT_THAT(resolved.constraints, ElementsAre("urllib3<2"));
  const std::string before = key({"-r requirements.txt"});
  tree_.file("more/deep.txt", "requests==2.26.0\n");
  EXPECT_NE(key({"-r requirements.txt"}), before);
}

TEST_F(Requirements, WhatAnOptionLeadsToCounts) {
  tree_.file("dist/x-1-py3-none-any.whl", "one");
  const std::vector<std::string> options{"--find-links",
                                         "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/dist"};
  const std::string before = key({"x"}, options);
  EXPECT_EQ(before.find(tree_.root().native()), std::string::npos) << "a place isn't a content";
  tree_.file("dist/x-1-py3-none-any.whl", "two");
  EXPECT_NE(key({"x"}, options), before);
}

TEST_F(Requirements, SaysTheExpandedPathOfWhatIsNotThere) {
  EXPECT_THAT(resolve({k_wheel}),
              IsError(Errc::not_found, "wheel " + (tree_ / "wheels/x-1-py3-none-any.whl").native() +
                                           " isn't there"));
  EXPECT_THAT(resolve({"-r none.txt"}), IsError(Errc::not_found, "none.txt"));
  EXPECT_THAT(resolve({"${NOWHERE}/x-1-py3-none-any.whl"}),
              IsError(Errc::invalid_argument, "without a value: ${NOWHERE}"));
  EXPECT_THAT(resolve({"-e ./x"}), IsError(Errc::invalid_argument, "editable"));
  tree_.file("loop.txt", "-r loop.txt\n");
  EXPECT_THAT(resolve({"-r loop.txt"}), IsError(Errc::invalid_argument, "include each other"));
}

TEST_F(Requirements, CredentialsAreNotInTheKeyButReachTheInstaller) {
  const auto resolved = must(resolve({"--index-url https://user:hunter2@host/simple"}));
  EXPECT_EQ(resolved.key_parts.dump().find("hunter2"), std::string::npos);
  EXPECT_THAT(resolved.lines, ElementsAre("--index-url https://user:hunter2@host/simple"));
}

TEST_F(Requirements, ASourceFolderIsCopiedSoThatTheInstallerMayWriteIntoIt) {
  tree_.file("lib one/setup.py", "");
  const auto resolved = must(resolve({"./lib one"}));
  TreeBuilder out;
  EXPECT_THAT(must(write_requirements(resolved, out.root())),
              ElementsAre("-r", (out / "requirements.txt").native()));
  EXPECT_EQ(content_of(out / "requirements.txt"), (out / "source-0/lib one").native() + "\n");
  EXPECT_TRUE(std::filesystem::exists(out / "source-0/lib one/setup.py"));
}

TEST(EnvKey, CountsInterpreterInstallerAndIndexAndNothingElse) {
  const Packages packages{.requirements = {"six"}};
  const Interpreter python{.executable = "/usr/bin/python3",
                           .implementation = "cpython",
                           .version = "3.11.2",
                           .abi = "a",
                           .platform = "p",
                           .libc = "l"};
  Environment environment;
  environment.set("HOME", "/one");
  const auto requirements =
      must(resolve_requirements(packages, Variables(std::nullopt, {}, environment), {}));
  const std::string key = make_env_key(packages, requirements, python, environment, false).digits;
  EXPECT_EQ(key.size(), 32U);

  Interpreter moved = python;
  moved.executable = "/opt/python3";
  environment.set("HOME", "/two");
  EXPECT_EQ(make_env_key(packages, requirements, moved, environment, false).digits, key);

  Interpreter newer = python;
  newer.version = "3.11.3";
  EXPECT_NE(make_env_key(packages, requirements, newer, environment, false).digits, key);
  Packages checked = packages;
  checked.check = true;
  EXPECT_NE(make_env_key(checked, requirements, python, environment, false).digits, key);
  environment.set("UV_INDEX_URL", "https://user:secret@index/simple");
  const EnvKey other_index = make_env_key(packages, requirements, python, environment, false);
  EXPECT_NE(other_index.digits, key);
  EXPECT_EQ(other_index.parts.dump().find("secret"), std::string::npos);
}

}  // namespace
}  // namespace rtenv::runtime_env
