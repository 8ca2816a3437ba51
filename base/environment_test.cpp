#include "base/environment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::ElementsAre;

TEST(Environment, OfProcessCopiesTheProcessEnvironment) {
  const char* path = std::getenv("PATH");
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(Environment::of_process().find("PATH"), path);
}

TEST(Environment, FindDistinguishesEmptyFromUnset) {
  Environment environment;
  environment.set("EMPTY", "");
  EXPECT_EQ(environment.find("EMPTY"), "");
  EXPECT_EQ(environment.find_filled("EMPTY"), std::nullopt);
  EXPECT_EQ(environment.find("UNSET"), std::nullopt);
}

TEST(Environment, SetReplacesAndUnsetRemoves) {
  Environment environment;
  environment.set("A", "1");
  environment.set("A", "2");
  environment.set("B", "x=y");
  EXPECT_THAT(environment.strings(), ElementsAre("A=2", "B=x=y"));
  environment.unset("A");
  environment.unset("UNSET");
  EXPECT_THAT(environment.strings(), ElementsAre("B=x=y"));
}

TEST(Environment, PrependPutsAnEntryFirst) {
  Environment environment;
  environment.prepend("LIST", "a");
  environment.prepend("LIST", "b");
  EXPECT_EQ(environment.find("LIST"), "b:a");
}

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

TEST_F(FindProgram, ReturnsAPathWithoutSearching) {
  EXPECT_EQ(must(find_program((tree / "second/only").native(), Environment())),
            tree / "second/only");
}

}  // namespace
}  // namespace rtenv
