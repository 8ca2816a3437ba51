#include "runtime_env/requirements.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

using testing::ElementsAre;

class RequirementsTest : public testing::Test {
 protected:
  Result<ResolvedRequirements> resolve(std::vector<std::string> list,
                                       std::vector<std::string> options = {}) {
    Environment node;
    const Variables variables(tree_.root(),
                              {{"WHEELS", "${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/wheels"}}, node);
    const FetchObject fetch = [this](const std::string& uri) -> Result<Path> {
      return tree_ / ("bucket" + uri.substr(uri.rfind('/')));
    };
    RTENV_TRY(auto phases, resolve_requirements({.requirements = std::move(list),
                                                 .install_options = std::move(options)},
                                                {variables, fetch, inputs_}));
    return std::move(phases.front());
  }
  // What the installer gets in the place of the paths of copies: those of the originals.
  [[nodiscard]] std::vector<std::string> shown(const std::vector<std::string>& texts) const {
    std::vector<Path> originals;
    for (const LocalInput& input : inputs_.all()) originals.push_back(input.path);
    std::vector<std::string> result;
    for (const std::string& text : texts) result.push_back(with_copies(text, originals));
    return result;
  }
  std::string key(std::vector<std::string> list, std::vector<std::string> options = {}) {
    inputs_ = {};
    return must(resolve(std::move(list), std::move(options))).key_parts;
  }
  TreeBuilder tree_;
  LocalInputs inputs_;
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
  EXPECT_THAT(shown(resolved.lines),
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

TEST_F(RequirementsTest, EverySpellingOfALocalFileCountsByContent) {
  tree_.file("wheels/x-1-py3-none-any.whl", "one").file("other/x-1-py3-none-any.whl", "one");
  const std::string url = "file://" + (tree_ / "other/x-1-py3-none-any.whl").native();
  for (const std::string& line :
       {"x@" + url, "x @ " + url, url, std::string("x@./other/x-1-py3-none-any.whl"),
        std::string("other/x-1-py3-none-any.whl")})
    EXPECT_EQ(key({line}), key({k_wheel})) << line;
  EXPECT_THAT(resolve({"y @ " + url}), IsError(Errc::invalid_argument, "isn't one of 'y'"));
}

TEST_F(RequirementsTest, APinnedFileMustHaveItsDigest) {
  tree_.file("x-1-py3-none-any.whl", "one").directory("project");
  const std::string url = "file://" + (tree_ / "x-1-py3-none-any.whl").native();
  EXPECT_THAT(resolve({url + "#sha256=" + sha256_hex("one")}), IsOk());
  EXPECT_THAT(resolve({url + "#sha256=" + sha256_hex("two")}), IsError(Errc::corrupt));
  EXPECT_THAT(resolve({"file://" + (tree_ / "project").native() + "#sha256=00"}),
              IsError(Errc::invalid_argument, "is a folder"));
  tree_.file("list.txt", "six\n");
  const std::string list = "-r file://" + (tree_ / "list.txt").native();
  EXPECT_THAT(resolve({list + "#sha256=" + sha256_hex("six\n")}), IsOk());
  EXPECT_THAT(resolve({list + "#sha256=" + sha256_hex("")}), IsError(Errc::corrupt));
}

TEST_F(RequirementsTest, ALocalFileOfAConstraintsFileIsAConstraint) {
  tree_.file("x-1-py3-none-any.whl", "one")
      .file("p/setup.py", "")
      .file("named.txt", "x @ file://" + (tree_ / "x-1-py3-none-any.whl").native() + "\n")
      .file("wheel.txt", "./x-1-py3-none-any.whl\n")
      .file("project.txt", "p @ file://" + (tree_ / "p").native() + "\n")
      .file("unnamed.txt", "./p\n");
  const std::string expected = "x @ file://" + (tree_ / "x-1-py3-none-any.whl").native();
  for (const char* list : {"-c named.txt", "-c wheel.txt"}) {
    const auto resolved = must(resolve({"six", list}));
    EXPECT_THAT(shown(resolved.lines), ElementsAre("six")) << list;
    EXPECT_THAT(shown(resolved.constraints), ElementsAre(expected)) << list;
  }
  const std::string before = key({"six", "-c wheel.txt"});
  EXPECT_EQ(key({"six", "-c named.txt"}), before);
  EXPECT_NE(before, key({"six"}));
  tree_.file("x-1-py3-none-any.whl", "two");
  EXPECT_NE(key({"six", "-c wheel.txt"}), before);
  EXPECT_THAT(shown(must(resolve({"six", "-c project.txt"})).constraints),
              ElementsAre("p @ file://" + (tree_ / "p").native()));
  EXPECT_THAT(resolve({"six", "-c unnamed.txt"}),
              IsError(Errc::invalid_argument, "can't be a constraint without a name"));
}

TEST_F(RequirementsTest, TheOrderOfConstraintsDoesNotCount) {
  tree_.file("a.txt", "six<2\nurllib3<2\n").file("b.txt", "urllib3<2\nsix<2\n");
  EXPECT_EQ(key({"six", "-c a.txt"}), key({"six", "-c b.txt"}));
}

TEST_F(RequirementsTest, FilesInOptionsCountWithTheFilesThatTheyName) {
  tree_.file("c.txt", "-r nested/more.txt\n").file("nested/more.txt", "six<2\n");
  const std::string path = (tree_ / "c.txt").native();
  const std::string before = key({"six"}, {"-c", path});
  for (const std::vector<std::string>& options : {std::vector<std::string>{"-c" + path},
                                                  {"-c " + path},
                                                  {"--constraint=" + path},
                                                  {"--constraint", path},
                                                  {"--constraints", path},
                                                  {"-c", "c.txt"}})
    EXPECT_EQ(key({"six"}, options), before) << options.front();
  for (const char* option : {"--override", "--build-constraint"}) {
    const std::string other = key({"six"}, {option, path});
    tree_.file("nested/more.txt", "six<3\n");
    EXPECT_NE(key({"six"}, {"-c", path}), before);
    EXPECT_NE(key({"six"}, {option, path}), other) << option;
    tree_.file("nested/more.txt", "six<2\n");
  }
}

TEST_F(RequirementsTest, TheInstallerGetsTheListsThatWereRead) {
  tree_.file("o.txt", "-r more.txt\nx @ ./x-1-py3-none-any.whl\n")
      .file("more.txt", "six<2\n")
      .file("x-1-py3-none-any.whl", "x");
  const auto resolved = must(resolve({"six"}, {"--override", "o.txt"}));
  tree_.file("more.txt", "six<1\n");
  const LocalInput& list = inputs_.all().back();
  const std::vector<Path> copies{"/copies/x.whl", "/copies/list.txt"};
  EXPECT_EQ(with_copies(list.text, copies), "six<2\nx @ file:///copies/x.whl\n");
  EXPECT_EQ(with_copies(resolved.install_options.back(), copies), "/copies/list.txt");
}

TEST_F(RequirementsTest, OptionsThatDoNotChangeTheResultDoNotCount) {
  const std::string before = key({"six"});
  for (const std::vector<std::string>& options : {std::vector<std::string>{"-q"},
                                                  {"-vv"},
                                                  {"--progress-bar", "off"},
                                                  {"--timeout=9", "--retries", "9"},
                                                  {"--no-color", "--no-cache-dir"}}) {
    EXPECT_EQ(key({"six"}, options), before) << options.front();
    EXPECT_EQ(must(resolve({"six"}, options)).install_options, options) << "passed on";
  }
  EXPECT_NE(key({"six"}, {"--pre"}), before);
}

TEST_F(RequirementsTest, ServersAndCachesThatAJobTrustsCount) {
  tree_.file("cert.pem", "x");
  const std::string before = key({"six"});
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--cert", (tree_ / "cert.pem").native()},
        {"--proxy", "http://host"},
        {"--trusted-host", "host"},
        {"--allow-insecure-host=host"},
        {"--cache-dir", "/mine"},
        {"--log", "/mine"}})
    EXPECT_NE(key({"six"}, options), before) << options.front();
  EXPECT_EQ(key({"six"}, {"--proxy", "http://user:one@host"}),
            key({"six"}, {"--proxy", "http://user:two@host"}))
      << "credentials don't count";
}

TEST_F(RequirementsTest, AnOptionCountsTheSameInEverySpelling) {
  const std::string before = key({"six"}, {"--index-url", "https://host/simple"});
  EXPECT_EQ(key({"six"}, {"--index-url=https://host/simple"}), before);
  EXPECT_EQ(key({"six"}, {"-i", "https://host/simple"}), before);
  EXPECT_EQ(key({"six", "-i https://host/simple"}), before) << "as a line";
}

TEST_F(RequirementsTest, AnIndexInTheWorkingDirectoryCountsByContent) {
  tree_.file("index/x/index.html", "one").file("same/x/index.html", "one");
  const std::string url = "file://${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}/";
  const std::string before = key({"x"}, {"--extra-index-url", url + "index"});
  EXPECT_EQ(before.find(tree_.root().native()), std::string::npos);
  EXPECT_EQ(key({"x"}, {"--extra-index-url", url + "same"}), before);
  EXPECT_EQ(key({"x", "--extra-index-url " + url + "same"}), before);
  tree_.file("index/x/index.html", "two");
  EXPECT_NE(key({"x"}, {"--extra-index-url", url + "index"}), before);
}

TEST_F(RequirementsTest, ANewSignatureOfAUrlDoesNotCount) {
  const std::string url = "x @ https://bucket.host/x-1-py3-none-any.whl?versionId=1";
  const std::string before = key({url + "&X-Amz-Date=1&X-Amz-Signature=aa&X-Amz-Expires=60"});
  EXPECT_EQ(key({url + "&X-Amz-Date=2&X-Amz-Signature=bb&X-Amz-Expires=60"}), before);
  EXPECT_NE(key({"x @ https://bucket.host/x-1-py3-none-any.whl?versionId=2"}), before);
}

TEST_F(RequirementsTest, RefusesWhatCannotBeARequirement) {
  tree_.file("list.txt", "six\n==1.0\n");
  EXPECT_THAT(resolve({"-r list.txt"}), IsError(Errc::invalid_argument, "'==1.0' isn't"));
  EXPECT_THAT(resolve({"https://x/" + std::string("\0p9\0", 4)}),
              IsError(Errc::invalid_argument, "NUL"));
}

TEST_F(RequirementsTest, WritesTheListsWithThePathsOfTheCopies) {
  tree_.file("lib one/setup.py", "").file("c.txt", "six<2\n");
  const auto resolved =
      must(resolve({"./lib one[e] ; python_version > '3'", "-c c.txt"}, {"--pre"}));
  TreeBuilder out;
  EXPECT_THAT(must(write_requirements(resolved, {"/copies/0/lib one"}, out.root())),
              ElementsAre("-r", (out / "requirements.txt").native(), "-c",
                          (out / "constraints.txt").native(), "--pre"));
  EXPECT_EQ(content_of(out / "requirements.txt"), "/copies/0/lib one[e] ; python_version > '3'\n");
}

}  // namespace
}  // namespace rtenv::runtime_env
