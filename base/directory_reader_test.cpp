#include "base/directory_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(DirectoryReader, ListsDirectoriesOfAnySizeWithOneBuffer) {
  const TempDir folder = must(TempDir::create());
  DirectoryReader reader;
  for (const int count : {0, 1, 3000}) {
    std::set<std::string> expected;
    for (int i = 0; i < count; ++i) {
      expected.insert(fmt::format("a name of some length {}", i));
      must(open_file(folder.path() / fmt::format("a name of some length {}", i),
                     O_WRONLY | O_CREAT));
    }
    const Fd fd = must(open_file(folder.path(), O_RDONLY | O_DIRECTORY));
    std::set<std::string> names;
    for (const auto& item : must(reader.list(fd, "folder"))) names.emplace(item.name);
    EXPECT_EQ(names, expected);
  }
}

}  // namespace
}  // namespace rtenv
