#include "runtime_env/interpreter.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::runtime_env {
namespace {

class FindInterpreter : public testing::Test {
 protected:
  Result<Interpreter> find(const std::string& requested) {
    return find_interpreter(requested, environment_, tree_ / "query-cache");
  }
  TreeBuilder tree_;
  Environment environment_ = Environment::of_process();
};

// Answers like a Python. Its version is the content of the file "version" beside it; it appends a
// line to the file "queries" whenever it runs.
constexpr const char* k_fake_python = R"sh(#!/bin/sh
echo run >> "$(dirname "$0")/queries"
printf '{"executable": "%s", "base_executable": "%s", "site_packages": "s", "implementation": "cpython", "version": "%s", "abi": "x", "platform": "p", "libc": "l"}' "$0" "$0" "$(cat "$(dirname "$0")/version")"
)sh";

TEST_F(FindInterpreter, CachesTheResultUntilTheFileChanges) {
  tree_.file("bin/python", k_fake_python, 0755).file("bin/version", "3.9.1");
  const std::string python = (tree_ / "bin/python").native();
  EXPECT_EQ(must(find(python)).version, "3.9.1");
  EXPECT_EQ(must(find(python)).version, "3.9.1");
  EXPECT_EQ(content_of(tree_ / "bin/queries"), "run\n");
  tree_.file("bin/version", "3.9.2")
      .file("bin/python", fmt::format("{}# replaced\n", k_fake_python), 0755);
  EXPECT_EQ(must(find(python)).version, "3.9.2");
}

TEST_F(FindInterpreter, ResolvesAPyenvShimWithoutRunningIt) {
  tree_.file("pyenv/shims/python3", "#!/bin/sh\nexit 1\n", 0755)
      .file("pyenv/version", "3.8.7\n")
      .file("pyenv/versions/3.8.7/bin/python3", k_fake_python, 0755)
      .file("pyenv/versions/3.8.7/bin/version", "3.8.7");
  EXPECT_EQ(must(find((tree_ / "pyenv/shims/python3").native())).version, "3.8.7");
}

TEST_F(FindInterpreter, ReportsAMissingOrBrokenInterpreter) {
  EXPECT_THAT(find("9.9"), IsError(Errc::not_found, "'python9.9' isn't in PATH"));
  EXPECT_FALSE(find("9.9").error().hint().empty());
  tree_.file("broken", "#!/bin/sh\necho no python >&2\nexit 3\n", 0755);
  EXPECT_THAT(find((tree_ / "broken").native()),
              IsError(Errc::invalid_argument, "isn't a working Python: exit code 3"));
}

TEST_F(FindInterpreter, QueriesTheInstalledPython) {
  const auto python = must(find("python3"));
  EXPECT_EQ(python.implementation, "cpython");
  EXPECT_TRUE(std::filesystem::exists(python.executable));
  EXPECT_FALSE(python.abi.empty());
}

}  // namespace
}  // namespace rtenv::runtime_env
