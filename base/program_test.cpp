#include "base/program.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

class FindProgram : public testing::Test {
 protected:
  FindProgram() {
    tree.file("first/data", "x", 0644)
        .file("second/data", "x", 0755)
        .file("second/only", "x", 0755);
    tree.file("first/plain", "x", 0644).directory("first/only");
    environment.set("PATH",
                    fmt::format("{}:{}", (tree / "first").native(), (tree / "second").native()));
  }
  TreeBuilder tree;
  Environment environment;
};

TEST_F(FindProgram, SkipsDirectoriesAndNonExecutableFiles) {
  EXPECT_EQ(must(find_program("data", environment)), tree / "second/data");
  EXPECT_EQ(must(find_program("only", environment)), tree / "second/only");
}

TEST_F(FindProgram, ReportsANonExecutableFile) {
  EXPECT_THAT(find_program("plain", environment), IsError(Errc::permission_denied, "first/plain"));
  EXPECT_THAT(find_program((tree / "first/plain").native(), environment),
              IsError(Errc::permission_denied));
}

TEST_F(FindProgram, ReportsAMissingProgram) {
  EXPECT_THAT(find_program("none", environment), IsError(Errc::not_found, "'none' isn't in PATH"));
  EXPECT_THAT(find_program("", environment), IsError(Errc::not_found));
  EXPECT_THAT(find_program((tree / "none").native(), environment), IsError(Errc::not_found));
}

TEST_F(FindProgram, RelativePathsStartAtTheFolder) {
  environment.set("PATH", "first:second");
  const ProgramSearch by_name("only", environment, tree.root());
  EXPECT_EQ(must(by_name.check(by_name.find())), tree / "second/only");
  const ProgramSearch by_path("second/only", environment, tree.root());
  EXPECT_EQ(must(by_path.check(by_path.find())), tree / "second/only");
}

TEST_F(FindProgram, ReturnsAPathWithoutSearching) {
  EXPECT_EQ(must(find_program((tree / "second/only").native(), Environment())),
            tree / "second/only");
}

}  // namespace
}  // namespace rtenv
