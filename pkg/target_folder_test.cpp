#include "pkg/target_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "pkg/entry_check.hpp"
#include "pkg/utf8.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::pkg {
namespace {

TEST(CheckedEntryPath, NormalizesSafePathsAndRefusesOthers) {
  EXPECT_EQ(must(checked_entry_path("./a//b/./c/", true)), "a/b/c");
  EXPECT_EQ(must(checked_entry_path("a\\b", true)), "a\\b") << "a plain character on Unix";
  EXPECT_EQ(must(checked_entry_path("..a/b..", true)), "..a/b..");
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "a/..", "C:/x", "c:\\x",
                           "C:", "\\\\server\\x", "..\\x", "a\\..\\..\\x"})
    EXPECT_THAT(checked_entry_path(name, true), IsError(Errc::invalid_argument, "is refused"))
        << name;
  EXPECT_THAT(checked_entry_path("a\\b", false), IsError(Errc::invalid_argument, "backslash"));
  EXPECT_THAT(checked_entry_path(std::string_view("a\0b", 3), true),
              IsError(Errc::invalid_argument, "NUL"));
}

TEST(TargetFolder, NeverWritesThroughALink) {
  TreeBuilder outside;
  outside.directory("victim");
  TreeBuilder tree;
  tree.directory("target").link("target/escape", (outside / "victim").native());
  auto folder = must(TargetFolder::open(tree / "target", Modes::exact));
  EXPECT_THAT(folder.create_file("escape/x", 0644),
              IsError(Errc::invalid_argument, "isn't a folder"));
  EXPECT_THAT(folder.create_file("escape", 0644), IsError(Errc::invalid_argument, "twice"));
  EXPECT_THAT(folder.make_directory("escape", 0755), IsError(Errc::invalid_argument));
  EXPECT_TRUE(std::filesystem::is_empty(outside / "victim"));
}

TEST(TargetFolder, CreatesParentsAndNeverOverwrites) {
  TreeBuilder tree;
  auto folder = must(TargetFolder::open(tree.root(), Modes::exact));
  EXPECT_THAT(folder.create_file("a/b/c", 0644), IsOk());
  EXPECT_THAT(folder.create_file("a/b/c", 0644), IsError(Errc::invalid_argument, "twice"));
  EXPECT_THAT(folder.make_directory("a/b", 0755), IsOk()) << "exists as a parent";
  EXPECT_THAT(folder.make_link("a/b/c", "d"), IsError(Errc::invalid_argument, "twice"));
}

TEST(TargetFolder, ModesAreExactOrLessTheUmask) {
  const mode_t before = ::umask(0027);
  TreeBuilder tree;
  const auto mode = [&](const char* path) {
    struct stat status {};
    return ::stat((tree / path).c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
  };
  for (const Modes modes : {Modes::exact, Modes::minus_umask}) {
    const char* const top = modes == Modes::exact ? "exact" : "masked";
    const mode_t mask = modes == Modes::exact ? 0 : 0027;
    must(TargetFolder::create(tree / top, modes));
    auto folder = must(TargetFolder::open(tree / top, modes));
    must(folder.create_file("a/b/open", 0666));
    must(folder.create_file("private", 0600));
    must(folder.make_directory("a", 0775));
    must(folder.make_directory("c", 0700));
    const auto expect = [&](const std::string& path, mode_t expected) {
      EXPECT_EQ(mode((top + path).c_str()), expected & ~mask) << top << path;
    };
    expect("", 0755);
    expect("/a", 0775);
    expect("/a/b", 0755);
    expect("/a/b/open", 0666);
    expect("/private", 0600);
    expect("/c", 0700);
  }
  ::umask(before);
}

TEST(Utf8, EachInvalidByteIsOneCharacter) {
  EXPECT_TRUE(is_utf8("naïve 漢 🎉"));
  for (const char* text : {"\xe9", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe6\xbc"})
    EXPECT_FALSE(is_utf8(text));
  EXPECT_EQ(decode_utf8("漢", 0).value, U'漢');
  EXPECT_EQ(decode_utf8("\xe9x", 0).bytes, 1U);
}

}  // namespace
}  // namespace rtenv::pkg
