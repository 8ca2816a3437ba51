#include "job/python_programs.hpp"

#include "base/process.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::job {
namespace {

std::string output_of(std::vector<std::string> argv, std::string_view path) {
  Environment environment;
  environment.set("PATH", std::string(path));
  return must(run_captured({.argv = std::move(argv), .environment = std::move(environment)}))
      .output;
}

// Folder names that a shell would split or expand if they weren't quoted.
class PythonProgramsTest : public testing::TestWithParam<const char*> {
 protected:
  TreeBuilder tree_;
  Path folder_ = tree_ / GetParam();
};

INSTANTIATE_TEST_SUITE_P(Folders, PythonProgramsTest,
                         testing::Values("bin", "two words", "it's", "$HOME", "a\"b", "*"));

TEST_P(PythonProgramsTest, RunTheCommandWithTheirArguments) {
  must(write_python_programs(folder_, "echo 'a  b' --flag"));
  for (const char* name : {"python", "python3"})
    EXPECT_EQ(output_of({(folder_ / name).native(), "-c", "x  y"}, "/usr/bin:/bin"),
              "a  b --flag -c x  y\n");
}

TEST_P(PythonProgramsTest, CanRunThePythonThatTheyReplace) {
  tree_.file("other/python", "#!/bin/sh\necho other \"$PATH\"\n", 0755);
  const std::string rest = (tree_ / "other").native() + ":/usr/bin:/bin";
  must(write_python_programs(folder_, "python"));
  EXPECT_EQ(output_of({"python"}, folder_.native() + ":" + rest), "other " + rest + "\n");
}

TEST(PythonPrograms, AreNotOverwritten) {
  TreeBuilder tree;
  must(write_python_programs(tree / "bin", "python"));
  EXPECT_THAT(write_python_programs(tree / "bin", "python"), IsError(Errc::already_exists));
}

}  // namespace
}  // namespace rtenv::job
