#include "base/file_comparer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv {
namespace {

TEST(FileComparer, ComparesContentsOfAnyLength) {
  const TempDir folder = must(TempDir::create());
  const auto write = [&](const char* name, const std::string& content) {
    std::ofstream(folder.path() / name) << content;
  };
  const Fd fd = must(open_file(folder.path(), O_RDONLY | O_DIRECTORY));
  FileComparer comparer;
  const auto equal = [&](const std::string& first, const std::string& second) {
    write("first", first);
    write("second", second);
    return must(comparer.have_equal_content({fd.get(), "first"}, {fd.get(), "second"}, first.size(),
                                            folder.path()));
  };
  const std::string large(300'000, 'x');
  for (const std::string& content : {std::string(), std::string("a"), large}) {
    EXPECT_TRUE(equal(content, content));
    EXPECT_FALSE(equal(content + "b", content)) << "a shorter one";
    EXPECT_FALSE(equal(content + "b", content + "c"));
  }
  EXPECT_THAT(
      comparer.have_equal_content({fd.get(), "first"}, {fd.get(), "none"}, 1, folder.path()),
      IsError(Errc::not_found));
}

}  // namespace
}  // namespace rtenv
