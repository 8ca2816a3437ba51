#include "runtime_env/project_name.hpp"

#include <gtest/gtest.h>

namespace rtenv::runtime_env {
namespace {

TEST(ProjectName, IsNormalized) {
  EXPECT_EQ(project_name("Foo._-Bar[x]>=1 ; python_version > '3'"), "foo-bar");
  EXPECT_EQ(project_name("foo"), "foo");
  EXPECT_EQ(project_name("foo@https://host/bar.whl"), "foo");
  EXPECT_EQ(project_name("foo @ git+https://host/bar"), "foo");
}

TEST(ProjectName, OfAWheelIsInItsFileName) {
  EXPECT_EQ(project_name("foo_bar-1.0-py3-none-any.whl sha256:00"), "foo-bar");
}

TEST(ProjectName, OfOtherTextIsItsBeginning) {
  EXPECT_EQ(project_name("https://host/x"), "https");
  EXPECT_EQ(project_name(""), "");
}

}  // namespace
}  // namespace rtenv::runtime_env
