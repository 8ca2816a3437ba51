#include "runtime_env/installer_option.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace rtenv::runtime_env {
namespace {

// "NAME|VALUE|WORDS" of the first option.
std::string shown(const std::vector<std::string>& words) {
  const InstallerOption option = read_option(words);
  return option.name + "|" + option.value.value_or("") + "|" + std::to_string(option.words);
}

TEST(InstallerOption, HasAValueInEveryForm) {
  EXPECT_EQ(shown({"--constraint", "/a", "x"}), "--constraint|/a|2");
  EXPECT_EQ(shown({"--constraint=/a", "x"}), "--constraint|/a|1");
  EXPECT_EQ(shown({"--constraint /a"}), "--constraint|/a|1");
  EXPECT_EQ(shown({"--constraints=/a"}), "--constraint|/a|1");
  EXPECT_EQ(shown({"-c", "/a"}), "--constraint|/a|2");
  EXPECT_EQ(shown({"-c/a"}), "--constraint|/a|1");
  EXPECT_EQ(shown({"-c /a"}), "--constraint|/a|1");
  EXPECT_EQ(shown({"-c"}), "--constraint||1");
  EXPECT_EQ(read_option(std::vector<std::string>{"-c/a"}).flag, "-c");
  EXPECT_EQ(read_option(std::vector<std::string>{"--overrides=/a"}).flag, "--overrides");
}

TEST(InstallerOption, FlagsHaveNoValue) {
  EXPECT_EQ(shown({"--no-cache", "x"}), "--no-cache||1");
  EXPECT_EQ(shown({"-vvv", "x"}), "--verbose||1");
  EXPECT_EQ(read_option(std::vector<std::string>{"-vvv"}).use, OptionUse::how_it_runs);
  EXPECT_EQ(read_option(std::vector<std::string>{"-qU"}).use, OptionUse::other) << "two flags";
  EXPECT_EQ(shown({"--pre", "x"}), "--pre||1") << "unknown";
  EXPECT_EQ(shown({"--new=x"}), "--new|x|1") << "unknown";
  EXPECT_EQ(shown({"word"}), "word||1");
}

TEST(InstallerOption, VariablesStandForOptions) {
  EXPECT_EQ(option_use_of_variable("UV_BUILD_CONSTRAINT"), OptionUse::list);
  EXPECT_EQ(option_use_of_variable("PIP_EXTRA_INDEX_URL"), OptionUse::index);
  EXPECT_EQ(option_use_of_variable("CFLAGS"), OptionUse::other);
}

}  // namespace
}  // namespace rtenv::runtime_env
