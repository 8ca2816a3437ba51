#include "base/folder_entries.hpp"

#include <gmock/gmock.h>

#include <set>

#include "base/exceptions.hpp"
#include "base/file.hpp"
#include "support/scarce_memory.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

class FolderEntries : public testing::Test {
 protected:
  FolderEntries() {
    files_.file("top/file", "x").file("top/folder/below/deep", "x");
    std::filesystem::create_symlink("folder", files_ / "top/link");
  }
  [[nodiscard]] std::set<std::string> walked(const std::string& skipped = {}) const {
    std::set<std::string> names;
    must(walk_folder(files_ / "top", [&](const FolderEntry& entry) -> Result<Descent> {
      names.insert(entry.name());
      return entry.name() == skipped ? Descent::skip : Descent::enter;
    }));
    return names;
  }

  TreeBuilder files_;
};

TEST_F(FolderEntries, HaveTheirOwnTypes) {
  std::map<std::string, FolderEntry::Type> types;
  for (const FolderEntry& entry : must(folder_entries(files_ / "top")))
    types[entry.name()] = entry.type;
  EXPECT_THAT(types, UnorderedElementsAre(std::pair("file", FolderEntry::Type::file),
                                          std::pair("folder", FolderEntry::Type::directory),
                                          std::pair("link", FolderEntry::Type::link)));
}

TEST_F(FolderEntries, OfWhatCannotBeReadAreAnErrorOrNone) {
  EXPECT_THAT(folder_entries(files_ / "none"), IsError(Errc::not_found, "none"));
  EXPECT_THAT(folder_entries(files_ / "top/file"), IsError(Errc::invalid_argument));
  EXPECT_THAT(readable_entries(files_ / "none"), IsEmpty());
  EXPECT_EQ(readable_entries(files_ / "top/link").size(), 1U) << "a link to a folder is followed";
}

TEST_F(FolderEntries, AreWalkedWithoutFollowingLinks) {
  EXPECT_THAT(walked(), UnorderedElementsAre("file", "folder", "link", "below", "deep"));
  EXPECT_THAT(walked("below"), UnorderedElementsAre("file", "folder", "link", "below"));
}

// std::filesystem's iterators end the process.
TEST_F(FolderEntries, ALackOfMemoryIsAnError) {
  const Path folder = files_ / "top";
  int failures = 0;
  for (Result<void> walk = Error(Errc::internal, ""); !walk; ++failures) {
    std::optional<ScarceMemory> scarce(std::in_place, ScarceMemory::For::this_thread,
                                       ScarceMemory::Lack::lasting, failures);
    walk = without_exceptions([&] {
      return walk_folder(folder,
                         [](const FolderEntry&) -> Result<Descent> { return Descent::enter; });
    });
    scarce.reset();
    EXPECT_TRUE(walk || walk.error().code() == Errc::unavailable) << failures;
  }
  EXPECT_GT(failures, 10);
}

TEST_F(FolderEntries, AWalkEndsWithTheFirstError) {
  EXPECT_THAT(
      walk_folder(files_ / "top",
                  [](const FolderEntry&) -> Result<Descent> { return fail(Errc::corrupt, "no"); }),
      IsError(Errc::corrupt, "no"));
}

TEST_F(FolderEntries, AWalkPassesOverWhatIsRemovedMeanwhile) {
  files_.file("two/a/x", "").file("two/b/x", "");
  int visited = 0;
  const auto remove_all = [&](const FolderEntry&) -> Result<Descent> {
    ++visited;
    for (const char* folder : {"two/a", "two/b"}) RTENV_TRY(remove_tree(files_ / folder));
    return Descent::enter;
  };
  EXPECT_THAT(walk_folder(files_ / "two", remove_all), IsOk());
  EXPECT_GE(visited, 2);
}

}  // namespace
}  // namespace rtenv
