#include "base/nearest.hpp"

#include <gtest/gtest.h>

namespace rtenv {
namespace {

TEST(Nearest, FindsTheMisspelledNameOnlyIfItIsClose) {
  constexpr std::string_view k_names[] = {"working_dir", "env_vars", "excludes", "pip", "uv"};
  EXPECT_EQ(nearest("workingdir", k_names), "working_dir");
  EXPECT_EQ(nearest("env_var", k_names), "env_vars");
  EXPECT_EQ(nearest("pipp", k_names), "pip");
  EXPECT_EQ(nearest("exlcudes", k_names), "excludes");
  EXPECT_EQ(nearest("something_else", k_names), std::nullopt);
}

TEST(Nearest, CountsASwapOfNeighborsAsOneEdit) {
  constexpr std::string_view k_names[] = {"abdc", "abxy"};
  EXPECT_EQ(nearest("abcd", k_names), "abdc");
}

}  // namespace
}  // namespace rtenv
