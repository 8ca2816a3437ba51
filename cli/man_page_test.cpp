#include "cli/man_page.hpp"

#include <gmock/gmock.h>

#include "cli/command_line.hpp"
#include "cli/roff.hpp"

namespace rtenv::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ManPageTest : public testing::Test {
 protected:
  ManPageTest() : command_line_("tool", "A tool.", "Text.\nExit status: 0 success, 1 failure.") {
    const Command root = command_line_.root();
    root.add_flag("-q,--quiet", flag_, "Quiet [TOOL_QUIET; ~/.tool]");
    const Command open = root.add_group("box", "Boxes")
                             .add_command("open", "Open a box; see `tool list`",
                                          "  tool box open 'x'\n"
                                          "The box stays open.");
    open.add_option("BOX", text_, "The box").required();
    const Option key =
        open.add_option("-k,--key", text_, "The key, or [TOOL_KEY]").value_name("FILE");
    open.add_option("--mode", mode_, "How").one_of({"slow", "fast"}).show_default().excludes(key);
    open.add_option("--secret", text_, "Unseen").hidden();
  }

  std::string page(const std::vector<std::string>& words) {
    const CommandDescription tool = command_line_.describe();
    return man_page(find_command(tool, words), {.version = "1.2", .date = "2026-12-01"});
  }

  CommandLine command_line_;
  bool flag_ = false;
  std::string text_;
  std::string mode_ = "slow";
};

TEST_F(ManPageTest, NamesAllPages) {
  EXPECT_THAT(page_names(command_line_.describe()),
              ElementsAre("tool", "tool box", "tool box open"));
  EXPECT_THAT(find_command(command_line_.describe(), {"box", "close"}), IsEmpty());
}

TEST_F(ManPageTest, DescribesACommand) {
  const std::string text = page({"box", "open"});
  EXPECT_THAT(text,
              StartsWith(".TH TOOL-BOX-OPEN 1 2026-12-01 \"tool 1.2\"\n"
                         ".SH NAME\ntool\\-box\\-open \\- Open a box\n"
                         ".SH SYNOPSIS\n\\fBtool box open\\fR [\\fIOPTION\\fR...] \\fIBOX\\fR\n"
                         ".SH DESCRIPTION\nOpen a box; see \\fBtool list\\fR.\n"));
  EXPECT_THAT(text, HasSubstr(".TP\n\\fB\\-k\\fR, \\fB\\-\\-key\\fR \\fIFILE\\fR\nThe key"));
  EXPECT_THAT(text, HasSubstr("\\fB\\-\\-mode\\fR \\fBslow\\fR|\\fBfast\\fR\n"
                              "How [default: slow] (not with \\-\\-key)\n"));
  EXPECT_THAT(text, HasSubstr(".SH EXAMPLES\n.nf\ntool box open \\(aqx\\(aq\n.fi\n.PP\n"
                              "The box stays open.\n"));
  EXPECT_THAT(text, HasSubstr(".SH EXIT STATUS\n0 success, 1 failure.\n"));
  EXPECT_THAT(text, HasSubstr("\\fBTOOL_KEY\\fR\nSee \\fB\\-\\-key\\fR.\n"));
  EXPECT_THAT(text, HasSubstr("\\fB\\(ti/.tool\\fR\nSee \\fB\\-\\-quiet\\fR.\n"));
  EXPECT_THAT(text, HasSubstr(".SH SEE ALSO\n\\fBtool\\fR(1), \\fBtool\\-box\\fR(1)\n"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

TEST_F(ManPageTest, ListsTheCommandsOfTheToolAndOfAGroup) {
  EXPECT_THAT(page({}), HasSubstr(".SH COMMANDS\n.TP\n\\fBtool\\-box\\fR(1)\nBoxes\n"));
  EXPECT_THAT(page({"box"}), HasSubstr("\\fBtool\\-box\\-open\\fR(1)\nOpen a box\n"));
}

TEST(Roff, EscapesWhatIsSpecial) {
  EXPECT_EQ(roff::literal(".x 'a' \\ `b` ~ ^\n.y"),
            "\\&.x \\(aqa\\(aq \\e \\(gab\\(ga \\(ti \\(ha\n\\&.y");
  EXPECT_EQ(roff::prose("'a' isn't `b 'c'`"), "\\&'a' isn't \\fBb \\(aqc\\(aq\\fR");
  EXPECT_EQ(roff::prose("one ` only"), "one \\(ga only");
}

}  // namespace
}  // namespace rtenv::cli
