#include "cli/input_kind.hpp"

#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

namespace rtenv::cli {
namespace {

class LimitedOptionsTest : public testing::Test {
 protected:
  LimitedOptionsTest() {
    const Command command = command_line_.root().add_command("send", "Send", "  tool send x");
    limited_.add(command.add_flag("-f,--fast", fast_, "Fast"), {InputKind::file});
    limited_.add(command.add_option("--exclude", excludes_, "Without").one_value_each(),
                 {InputKind::directory, InputKind::commit});
    limited_.add(command.add_option("--mode", mode_, "How").show_default(), {InputKind::s3_uri});
    command.set_action([]() -> Result<int> { return 0; });
  }
  // The check of these words for this kind.
  Result<void> check(std::vector<std::string> words, InputKind kind) {
    words.insert(words.begin(), "send");
    EXPECT_TRUE(std::holds_alternative<Action>(command_line_.parse(std::move(words))));
    return limited_.check(kind, "INPUT");
  }
  CommandLine command_line_{"tool", "A tool.", ""};
  bool fast_ = false;
  std::vector<std::string> excludes_;
  std::string mode_ = "default";
  LimitedOptions limited_;
};

TEST_F(LimitedOptionsTest, WhatIsNotGivenIsNoError) {
  EXPECT_THAT(check({}, InputKind::gcs_uri), IsOk());
}

TEST_F(LimitedOptionsTest, AnOptionThatHasAnEffectIsNoError) {
  EXPECT_THAT(check({"--exclude", "a", "--exclude", "b"}, InputKind::commit), IsOk());
}

TEST_F(LimitedOptionsTest, AnOptionWithoutEffectIsAnError) {
  EXPECT_THAT(check({"--exclude", "a"}, InputKind::file),
              IsError(Errc::invalid_argument,
                      "--exclude applies to directories and commits (--git); INPUT is a file"));
}

TEST_F(LimitedOptionsTest, AFlagIsNamedInFull) {
  EXPECT_THAT(
      check({"-f"}, InputKind::standard_input),
      IsError(Errc::invalid_argument, "--fast applies to files; the input is standard input"));
}

TEST_F(LimitedOptionsTest, AnOptionWithItsDefaultIsGiven) {
  EXPECT_THAT(check({"--mode", "default"}, InputKind::gs_uri),
              IsError(Errc::invalid_argument, "--mode applies to s3://; INPUT is a gs:// URI"));
}

TEST(KindOf, IsThatOfTheScheme) {
  EXPECT_EQ(kind_of(must(remote::Uri::parse("s3://b/k"))), InputKind::s3_uri);
  EXPECT_EQ(kind_of(must(remote::Uri::parse("https://h/k"))), InputKind::https_uri);
  EXPECT_EQ(kind_of(must(remote::Uri::parse("file:///k"))), InputKind::file_uri);
  EXPECT_EQ(kind_of(must(remote::Uri::parse("gcs://k.zip"))), InputKind::gcs_uri);
}

}  // namespace
}  // namespace rtenv::cli
