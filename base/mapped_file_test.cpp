#include "base/mapped_file.hpp"

#include <gtest/gtest.h>

#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

TEST(MappedFile, ContentIsReadableAfterForget) {
  TreeBuilder tree;
  tree.file("f", "content").file("empty", "");
  const auto mapped = must(MappedFile::open(tree / "f"));
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(mapped.data().size(), 7U);
    EXPECT_EQ(mapped.data()[0], std::byte{'c'});
    mapped.forget();
  }
  EXPECT_TRUE(must(MappedFile::open(tree / "empty")).data().empty());
}

TEST(MappedFile, ReportsAMissingFile) {
  EXPECT_THAT(MappedFile::open("/no/such/file"), IsError(Errc::not_found, "/no/such/file"));
}

}  // namespace
}  // namespace rtenv
