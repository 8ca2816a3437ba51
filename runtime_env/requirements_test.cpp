#include "runtime_env/requirements.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using testing::ElementsAre;

class RequirementsTest : public testing::Test {
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
    return must(resolve(std::move(list), std::move(options))).key_parts;
  }
  TreeBuilder tree_;
};

constexpr const char* k_wheel = "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels/x-1-py3-none-any.whl";

TEST_F(RequirementsTest, KeyDependsOnAWheelsContentNotItsPath) {
  tree_.file("wheels/x-1-py3-none-any.whl", "one")
      .file("other/x-1-py3-none-any.whl", "one")
      .file("script.py", "a");
  const std::string before = key({k_wheel});
  tree_.file("script.py", "b");
  EXPECT_EQ(key({k_wheel}), before) << "a script beside it doesn't count";
  EXPECT_EQ(key({"./other/x-1-py3-none-any.whl"}), before);
  EXPECT_EQ(key({"$WHEELS/x-1-py3-none-any.whl"}), before);
  tree_.file("wheels/x-1-py3-none-any.whl", "two");
  EXPECT_NE(key({k_wheel}), before);
}

TEST_F(RequirementsTest, StoreObjectHasTheKeyOfALocalFileWithTheSameContent) {
  tree_.file("wheels/x-1-py3-none-any.whl", "one").file("bucket/x-1-py3-none-any.whl", "one");
  EXPECT_EQ(key({"s3://b/some/x-1-py3-none-any.whl"}), key({k_wheel}));
  EXPECT_EQ(key({"x @ gs://b/x-1-py3-none-any.whl"}), key({k_wheel}));
  tree_.file("bucket/list.txt", "s3://b/x-1-py3-none-any.whl\n");
  EXPECT_EQ(key({"-r s3://b/list.txt"}), key({k_wheel}));
}

TEST_F(RequirementsTest, KeyDependsOnTheOrderOfOptionsButNotOfNames) {
  EXPECT_EQ(key({"six", "requests"}), key({"requests", "six"}));
  EXPECT_NE(key({"-i https://a/", "--extra-index-url https://b/"}),
            key({"--extra-index-url https://b/", "-i https://a/"}));
}

TEST_F(RequirementsTest, ReadsNestedFilesAndExpandsTheirVariables) {
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

TEST_F(RequirementsTest, KeyDependsOnTheContentOfAnOptionsFile) {
  tree_.file("dist/x-1-py3-none-any.whl", "one");
  const std::vector<std::string> options{"--find-links",
                                         "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/dist"};
  const std::string before = key({"x"}, options);
  EXPECT_EQ(before.find(tree_.root().native()), std::string::npos) << "not the path";
  tree_.file("dist/x-1-py3-none-any.whl", "two");
  EXPECT_NE(key({"x"}, options), before);
}

TEST_F(RequirementsTest, ErrorsNameTheExpandedPath) {
  EXPECT_THAT(resolve({k_wheel}),
              IsError(Errc::not_found, "wheel " + (tree_ / "wheels/x-1-py3-none-any.whl").native() +
                                           " doesn't exist"));
  EXPECT_THAT(resolve({"-r none.txt"}), IsError(Errc::not_found, "none.txt"));
  EXPECT_THAT(resolve({"${NOWHERE}/x-1-py3-none-any.whl"}),
              IsError(Errc::invalid_argument, "undefined variable: ${NOWHERE}"));
  EXPECT_THAT(resolve({"-e ./x"}), IsError(Errc::invalid_argument, "editable"));
  tree_.file("loop.txt", "-r loop.txt\n");
  EXPECT_THAT(resolve({"-r loop.txt"}), IsError(Errc::invalid_argument, "include each other"));
}

TEST_F(RequirementsTest, CredentialsReachTheInstallerButNotTheKey) {
  const auto resolved = must(resolve({"--index-url https://user:hunter2@host/simple"}));
  EXPECT_EQ(resolved.key_parts.find("hunter2"), std::string::npos);
  EXPECT_THAT(resolved.lines, ElementsAre("--index-url https://user:hunter2@host/simple"));
}

TEST_F(RequirementsTest, CopiesALocalProjectForTheInstaller) {
  tree_.file("lib one/setup.py", "");
  const auto resolved = must(resolve({"./lib one"}));
  TreeBuilder out;
  EXPECT_THAT(must(write_requirements(resolved, out.root())),
              ElementsAre("-r", (out / "requirements.txt").native()));
  EXPECT_EQ(content_of(out / "requirements.txt"), (out / "source-0/lib one").native() + "\n");
  EXPECT_TRUE(std::filesystem::exists(out / "source-0/lib one/setup.py"));
}

}  // namespace
}  // namespace rtenv::runtime_env
