#include "cli/command_line.hpp"

#include <gmock/gmock.h>

namespace rtenv::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A tool with the commands `box open`, with options of several types, and `run`.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() : command_line_("tool", "A tool.", "Footer") {
    command_line_.set_version("tool 1.2");
    const Command root = command_line_.root();
    root.add_flag("-q,--quiet", quiet_, "Quiet");
    const Command open = root.add_group("box", "Boxes")
                             .add_command("open", "Open a box", "  tool box open x")
                             .alias("unlock");
    open.add_option("BOX", box_, "The box").required();
    const Option key = open.add_option("--key", key_, "The key").value_name("KEY");
    open.add_option("--code", code_, "The code").excludes(key);
    open.add_option("--tag", tags_, "A tag").one_value_each();
    open.add_option("--mode", mode_, "How").one_of({"slow", "fast"}).show_default();
    open.add_option("--tries", tries_, "How often").in_range(1, 9);
    open.add_option("--secret", secret_, "Unseen").hidden();
    open.set_action([]() -> Result<int> { return 7; });
    const Command run = root.add_command("run", "Run a program", "  tool run -- ls");
    run.add_program("PROGRAM", program_, "The program");
    run.set_action([]() -> Result<int> { return 8; });
  }

  std::string error_of(std::vector<std::string> words) {
    const auto parsed = command_line_.parse(std::move(words));
    const auto* error = std::get_if<UsageError>(&parsed);
    return error == nullptr ? "no error" : error->message + " | " + error->hint;
  }
  std::string text_of(std::vector<std::string> words) {
    const auto parsed = command_line_.parse(std::move(words));
    const auto* requested = std::get_if<RequestedText>(&parsed);
    return requested == nullptr ? "no text" : requested->text;
  }
  // The exit status of the chosen action.
  int run(std::vector<std::string> words) {
    const auto parsed = command_line_.parse(std::move(words));
    const auto* action = std::get_if<Action>(&parsed);
    return action == nullptr ? -1 : *(*action)();
  }

  CommandLine command_line_;
  bool quiet_ = false;
  std::string box_;
  std::optional<std::string> key_;
  std::string code_;
  std::vector<std::string> tags_;
  std::string mode_ = "slow";
  std::optional<unsigned> tries_;
  std::string secret_;
  std::vector<std::string> program_;
};

TEST_F(CommandLineTest, FillsTheVariablesAndReturnsTheAction) {
  EXPECT_EQ(run({"box", "open", "--key=gold", "--tag", "a", "crate", "--tag", "b", "--tries", "3",
                 "--quiet"}),
            7);
  EXPECT_EQ(box_, "crate");
  EXPECT_EQ(key_, "gold");
  EXPECT_THAT(tags_, ElementsAre("a", "b"));
  EXPECT_EQ(tries_, 3U);
  EXPECT_TRUE(quiet_);
}

TEST_F(CommandLineTest, KeepsTheDefaultsOfAbsentOptions) {
  EXPECT_EQ(run({"box", "open", "crate"}), 7);
  EXPECT_EQ(key_, std::nullopt);
  EXPECT_EQ(mode_, "slow");
}

TEST_F(CommandLineTest, PassesTheProgramsOptionsThrough) {
  EXPECT_EQ(run({"run", "ls", "--quiet", "-l"}), 8);
  EXPECT_THAT(program_, ElementsAre("ls", "--quiet", "-l"));
  EXPECT_FALSE(quiet_);
}

TEST_F(CommandLineTest, AcceptsAnAliasThatIsHiddenFromHelp) {
  EXPECT_THAT(text_of({"box", "--help"}), Not(HasSubstr("unlock")));
  EXPECT_EQ(run({"box", "unlock", "crate"}), 7);
}

TEST_F(CommandLineTest, HelpShowsDefaultAndExampleButNoHiddenOptions) {
  const std::string help = text_of({"box", "open", "--help"});
  EXPECT_THAT(help, HasSubstr("--mode {slow,fast}=slow"));
  EXPECT_THAT(help, HasSubstr("--key KEY"));
  EXPECT_THAT(help, HasSubstr("How often (1 to 9)"));
  EXPECT_THAT(help, HasSubstr("Example:\n  tool box open x\n"));
  EXPECT_THAT(help, Not(HasSubstr("--secret")));
}

TEST_F(CommandLineTest, PrintsTheVersion) { EXPECT_EQ(text_of({"--version"}), "tool 1.2\n"); }

TEST_F(CommandLineTest, SuggestsTheNearestCommandOrOption) {
  EXPECT_EQ(error_of({"bix"}), "unknown command 'bix'; did you mean 'box'? | tool --help");
  EXPECT_EQ(error_of({"box", "open", "crate", "--tires=3"}),
            "unknown option '--tires'; did you mean '--tries'? | tool box open --help");
  EXPECT_EQ(error_of({"box", "open", "crate", "--quite"}),
            "unknown option '--quite'; did you mean '--quiet'? | tool box open --help");
  EXPECT_EQ(error_of({"box", "open", "crate", "other"}),
            "unknown argument 'other' | tool box open --help");
}

TEST_F(CommandLineTest, ReportsAnOptionThatPrecedesItsCommand) {
  EXPECT_EQ(error_of({"--key", "gold", "box", "open", "crate"}),
            "option '--key' must follow its command | tool box open --help");
}

TEST_F(CommandLineTest, ReportsAnOptionThatIsGivenTwice) {
  EXPECT_THAT(error_of({"box", "open", "x", "--mode", "slow", "--mode", "fast"}),
              HasSubstr("option '--mode' is given more than once"));
}

TEST_F(CommandLineTest, ReportsAMissingProgramAfterADoubleDash) {
  EXPECT_THAT(error_of({"run", "--"}), HasSubstr("PROGRAM is required"));
}

TEST_F(CommandLineTest, ReportsAnInvalidValueBeforeADoubleDash) {
  EXPECT_THAT(error_of({"box", "open", "x", "--mode", "odd", "--", "y"}),
              HasSubstr("'odd' isn't one of slow, fast"));
}

TEST_F(CommandLineTest, ReportsMissingAndInvalidValues) {
  EXPECT_THAT(error_of({"box", "open"}), HasSubstr("BOX is required"));
  EXPECT_THAT(error_of({"box"}), HasSubstr("A subcommand is required"));
  EXPECT_THAT(error_of({"box", "open", "crate", "--mode", "odd"}),
              HasSubstr("'odd' isn't one of slow, fast"));
  EXPECT_THAT(error_of({"box", "open", "crate", "--tries", "10"}),
              HasSubstr("'10' isn't in 1 to 9"));
  EXPECT_THAT(error_of({"box", "open", "crate", "--tries", "x"}),
              HasSubstr("'x' isn't a whole number"));
  EXPECT_THAT(error_of({"box", "open", "crate", "--tries", "-1"}), HasSubstr("isn't 0 or more"));
  EXPECT_THAT(error_of({"box", "open", ""}), HasSubstr("the value is empty"));
  EXPECT_THAT(error_of({"box", "open", "crate", "--key", "a", "--code", "b"}),
              HasSubstr("--key and --code exclude each other"));
}

}  // namespace
}  // namespace rtenv::cli
