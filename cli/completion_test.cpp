#include "cli/completion.hpp"

#include <gmock/gmock.h>

#include "cli/command_line.hpp"

namespace rtenv::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A tool with the command `box open` and `run`, which runs a program.
class CompletionTest : public testing::Test {
 protected:
  CompletionTest() : command_line_("tool", "A tool.", "") {
    const Command root = command_line_.root();
    root.add_flag("-q,--quiet", flag_, "Quiet");
    const Command open = root.add_group("box", "Boxes (of all kinds)")
                             .add_command("open", "Open a box; any", "  tool box open x")
                             .alias("unlock");
    open.add_option("BOX", text_, "The box");
    open.add_option("DIR", text_, "A folder");
    open.add_option("-m,--mode", text_, "How").one_of({"slow", "fast", "safe"});
    const Option key = open.add_option("--key", text_, "The key").value_name("DIR|FILE");
    open.add_option("--code", text_, "The code").excludes(key);
    open.add_option("--tag", texts_, "A tag").one_value_each();
    open.add_flag("-x", flag_, "Short");
    open.add_option("--secret", text_, "Unseen").hidden();
    root.add_command("run", "Run a program", "").add_program("PROGRAM", texts_, "The program");
  }

  std::vector<std::string> of(const std::vector<std::string>& words) {
    return completions(command_line_.describe(), words);
  }

  CommandLine command_line_;
  bool flag_ = false;
  std::string text_;
  std::vector<std::string> texts_;
};

TEST_F(CompletionTest, CompletesCommandsWithWhatTheyAreFor) {
  EXPECT_THAT(of({""}), ElementsAre("box\tBoxes", "run\tRun a program"));
  EXPECT_THAT(of({}), ElementsAre("box\tBoxes", "run\tRun a program"));
  EXPECT_THAT(of({"r"}), ElementsAre("run\tRun a program"));
  EXPECT_THAT(of({"--quiet", "box", ""}), ElementsAre("open\tOpen a box"));
  EXPECT_THAT(of({"none", "at", "all"}), IsEmpty());
}

TEST_F(CompletionTest, CompletesOptionsOfTheCommandAndOfTheTool) {
  EXPECT_THAT(
      of({"box", "open", "-"}),
      ElementsAre("--help\tPrint this help message and exit", "--mode\tHow", "--key\tThe key",
                  "--code\tThe code", "--tag\tA tag", "-x\tShort", "--quiet\tQuiet"));
  EXPECT_THAT(of({"box", "unlock", "--qu"}), ElementsAre("--quiet\tQuiet"));
  EXPECT_THAT(of({"box", "open", "--sec"}), IsEmpty());
}

TEST_F(CompletionTest, LeavesOutWhatCantBeGivenAnyMore) {
  EXPECT_THAT(of({"box", "open", "--mode", "slow", "--m"}), IsEmpty());
  EXPECT_THAT(of({"box", "open", "-m", "slow", "--m"}), IsEmpty());
  EXPECT_THAT(of({"box", "open", "--code=1", "--k"}), IsEmpty());
  EXPECT_THAT(of({"box", "open", "--tag", "a", "--t"}), ElementsAre("--tag\tA tag"));
}

TEST_F(CompletionTest, CompletesValuesInAllSpellings) {
  EXPECT_THAT(of({"box", "open", "--mode", "s"}), ElementsAre("slow", "safe"));
  EXPECT_THAT(of({"box", "open", "-m", ""}), ElementsAre("slow", "fast", "safe"));
  EXPECT_THAT(of({"box", "open", "--mode=f"}), ElementsAre("--mode=fast"));
  EXPECT_THAT(of({"box", "open", "--mode=x"}), IsEmpty());
  EXPECT_THAT(of({"box", "open", "--quiet="}), IsEmpty());
}

TEST_F(CompletionTest, LeavesPathsToTheShell) {
  EXPECT_THAT(of({"box", "open", "--key", "a"}), ElementsAre(":files"));
  EXPECT_THAT(of({"box", "open", "--key=a"}), ElementsAre(":files"));
  EXPECT_THAT(of({"box", "open", "crate", ""}), ElementsAre(":dirs"));
  EXPECT_THAT(of({"box", "open", "--", "-crate", "-d"}), ElementsAre(":dirs"));
  EXPECT_THAT(of({"box", "open", "crate", "dir", "more"}), IsEmpty());
}

TEST_F(CompletionTest, LeavesAProgramAndItsWordsToTheShell) {
  EXPECT_THAT(of({"run", ""}), ElementsAre(":programs"));
  EXPECT_THAT(of({"run", "--", "l"}), ElementsAre(":programs"));
  EXPECT_THAT(of({"run", "--quiet", "ls", "-"}), ElementsAre(":files"));
  EXPECT_THAT(of({"run", "--", "ls", "--qu"}), ElementsAre(":files"));
}

}  // namespace
}  // namespace rtenv::cli
