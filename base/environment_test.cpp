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

}  // namespace
}  // namespace rtenv
