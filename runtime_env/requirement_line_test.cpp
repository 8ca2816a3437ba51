#include "runtime_env/requirement_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rtenv::runtime_env {
namespace {

using testing::ElementsAre;
using Kind = RequirementLine::Kind;

TEST(RequirementLine, DistinguishesLocalFilesNamesAndUrls) {
  const auto kind = [](std::string_view line) { return parse_requirement_line(line).kind; };
  EXPECT_EQ(kind("six"), Kind::requirement);
  EXPECT_EQ(kind("pandas[excel]>=2 ; python_version > '3.8'"), Kind::requirement);
  EXPECT_EQ(kind("https://host/x-1-py3-none-any.whl"), Kind::requirement);
  EXPECT_EQ(kind("git+https://host/repo.git#egg=x"), Kind::requirement);
  EXPECT_EQ(kind("/a/x-1-py3-none-any.whl"), Kind::local);
  EXPECT_EQ(kind("wheels/x-1-py3-none-any.whl"), Kind::local);
  EXPECT_EQ(kind("./project"), Kind::local);
  EXPECT_EQ(kind("x @ file:///a/x.whl"), Kind::local);
  EXPECT_EQ(kind("s3://bucket/x-1-py3-none-any.whl"), Kind::remote);
  EXPECT_EQ(kind("file:///a/x.whl#sha256=00"), Kind::remote);
  EXPECT_EQ(kind("  # only a comment"), Kind::empty);
  EXPECT_EQ(kind("--no-index"), Kind::option);
}

TEST(RequirementLine, SplitsALocalPathFromItsExtrasAndMarker) {
  const auto line = parse_requirement_line(
      "/a b/x-1-py3-none-any.whl[extra,two] ; python_version > \"3.8\"  # why");
  EXPECT_EQ(line.text, "/a b/x-1-py3-none-any.whl");
  EXPECT_EQ(line.extras, "[extra,two]");
  EXPECT_EQ(line.suffix, " ; python_version > \"3.8\"");
  const auto named = parse_requirement_line("x[e] @ file:///a%20b/x.whl --hash=sha256:00");
  EXPECT_EQ(named.text + "|" + named.extras + "|" + named.suffix,
            "/a b/x.whl|[e]| --hash=sha256:00");
}

TEST(RequirementLine, SplitsAStoreUriFromItsExtrasAndMarker) {
  const auto line = parse_requirement_line(
      "lib[two] @ gs://b/a b/lib-1-py3-none-any.whl#sha256=00 ; python_version > '3'");
  EXPECT_EQ(line.kind, Kind::remote);
  EXPECT_EQ(line.text + "|" + line.extras + "|" + line.suffix,
            "gs://b/a b/lib-1-py3-none-any.whl#sha256=00|[two]| ; python_version > '3'");
}

TEST(RequirementLine, AcceptsEverySpellingOfAnInclude) {
  for (const char* text :
       {"-r a.txt", "-ra.txt", "--requirement a.txt", "--requirement=a.txt", "-r \"a.txt\""}) {
    const auto line = parse_requirement_line(text);
    EXPECT_EQ(line.kind, Kind::include) << text;
    EXPECT_EQ(line.text, "a.txt") << text;
  }
}

TEST(RequirementLine, CommentBeginsAfterASpace) {
  EXPECT_EQ(parse_requirement_line("six # why").text, "six");
  EXPECT_EQ(parse_requirement_line("git+https://host/x#egg=x").text, "git+https://host/x#egg=x");
}

TEST(LogicalLines, BackslashJoinsLines) {
  EXPECT_THAT(logical_lines("a \\\n --hash=x\r\nb\n# c \\\nd"),
              ElementsAre("a  --hash=x", "b", "# c \\", "d"));
}

TEST(WheelProjectName, IsThePartBeforeTheVersion) {
  EXPECT_EQ(wheel_project_name("flash_attn-2.0-cp311-cp311-linux_x86_64.whl"), "flash_attn");
  EXPECT_EQ(wheel_project_name("x-1-py3-none-any.whl"), "x");
  for (const char* name : {"x-1.tar.gz", "x.whl", "x-1-any.whl"})
    EXPECT_EQ(wheel_project_name(name), std::nullopt) << name;
}

}  // namespace
}  // namespace rtenv::runtime_env
