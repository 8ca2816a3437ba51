#include "runtime_env/requirement_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/result_matchers.hpp"

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
  EXPECT_EQ(kind("file:///a/x.whl#sha256=00"), Kind::local);
  EXPECT_EQ(kind("project/folder"), Kind::local);
  EXPECT_EQ(kind("six>=1;platform_machine=='a/b'"), Kind::requirement);
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

TEST(RequirementLine, TheAtOfANameNeedsNoSpaces) {
  for (const char* text :
       {"x[e]@file:///a/x.whl", "x[e] @file:///a/x.whl", "x [e]@ /a/x.whl", "x[e] @ /a/x.whl"}) {
    const auto line = parse_requirement_line(text);
    EXPECT_EQ(line.kind, Kind::local) << text;
    EXPECT_EQ(line.name + "|" + line.extras + "|" + line.text, "x|[e]|/a/x.whl") << text;
  }
  EXPECT_EQ(parse_requirement_line("name@s3://b/x.whl").kind, Kind::remote);
  EXPECT_EQ(parse_requirement_line("name@s3://b/x.whl").name, "name");
  // What isn't a name before an "@" is part of a path or of a URL's credentials.
  EXPECT_EQ(parse_requirement_line("./a@b.whl").text, "./a@b.whl");
  for (const char* text : {"https://user:pw@host/x.whl", "git+ssh://git@host/x.git",
                           "x@https://user:pw@host/x.whl", "git@github.com:a/b"})
    EXPECT_EQ(parse_requirement_line(text).kind, Kind::requirement) << text;
}

TEST(RequirementLine, AMarkerNeedsASpaceOnlyAfterAUrl) {
  const auto suffix = [](std::string_view line) { return parse_requirement_line(line).suffix; };
  EXPECT_EQ(suffix("./x.whl;python_version>'3'"), " ;python_version>'3'");
  EXPECT_EQ(suffix("file:///x.whl; python_version>'3'"), " ; python_version>'3'");
  EXPECT_EQ(parse_requirement_line("file:///a;b/x.whl").text, "/a;b/x.whl");
}

TEST(RequirementLine, KeepsWhatAFileUrlDemands) {
  EXPECT_EQ(parse_requirement_line("file:///a/x.whl#sha256=AB").sha256, "ab");
  EXPECT_EQ(parse_requirement_line("x @ file:///a.zip#subdirectory=s ; m").fragment,
            "#subdirectory=s");
}

TEST(RequirementLine, RefusesWhatCannotBeARequirement) {
  const auto check = [](std::string_view line) {
    return check_requirement(parse_requirement_line(line));
  };
  for (const char* text :
       {"six", "s", "a.b_c-d", "six==1.0", "six >=1, <2", "six~=1", "six[a,b]>1", "six (>=1)",
        "six ; python_version > '3'", "six;python_version>'3'", "six --hash=sha256:00",
        "six @ https://host/x", "https://host/x", "git+ssh://git@host/x", "./x", "--pre", ""})
    EXPECT_THAT(check(text), IsOk()) << text;
  for (const char* text :
       {"==", "==1.0", "six==", "six six", "six[a", "_six", "six @", "!", "sıx", "six, requests"})
    EXPECT_THAT(check(text), IsError(Errc::invalid_argument)) << text;
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

TEST(RequirementLine, FileUrlsHaveOneSpelling) {
  EXPECT_EQ(with_plain_file_urls("x @ file:////a/x.whl"), "x @ file:///a/x.whl");
  EXPECT_EQ(with_plain_file_urls("-c FILE:///a --find-links=File://///b"),
            "-c file:///a --find-links=file:///b");
  for (const char* text : {"file:/a", "file://localhost/a", "profile:////a", "six", "file:"})
    EXPECT_EQ(with_plain_file_urls(text), text);
}

TEST(RequirementLine, FragmentsOfFilesAreKept) {
  const auto parsed = [](std::string_view fragment) {
    return parse_requirement_line(fmt::format("x @ file:///a/x.tar.gz#{}", fragment));
  };
  EXPECT_EQ(parsed("egg=x&subdirectory=sub").fragment, "#subdirectory=sub");
  EXPECT_EQ(parsed("sha512=00&subdirectory=s").fragment, "#sha512=00&subdirectory=s");
  EXPECT_EQ(parsed("subdirectory=s&sha256=AB").sha256, "ab");
  EXPECT_EQ(parsed("sha256=ab").fragment, "");
  EXPECT_EQ(parsed("egg=x").text, "/a/x.tar.gz");
}

}  // namespace
}  // namespace rtenv::runtime_env
