#include "base/tree_usage.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <utility>

#include "base/cancellation.hpp"
#include "base/file.hpp"
#include "support/tree_builder.hpp"

namespace rtenv {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t k_megabyte = 1 << 20;

TEST(TreeUsage, TellsSharedFilesFromItsOwn) {
  TreeBuilder tree;
  tree.file("one/a", std::string(k_megabyte, 'x')).file("one/b", std::string(k_megabyte, 'x'));
  std::filesystem::create_hard_link(tree / "one/a", tree / "one/also-a");
  EXPECT_THAT(must(tree_usage(tree / "one")).shared, IsEmpty()) << "all its names are in the tree";
  tree.file("two/b", "x");
  std::filesystem::create_hard_link(tree / "one/a", tree / "two/a");
  const TreeUsage usage = must(tree_usage(tree / "one"));
  ASSERT_THAT(usage.shared, SizeIs(1));
  EXPECT_EQ(usage.shared[0].links, 3U);
  EXPECT_EQ(usage.shared[0].links_here, 2U);
  EXPECT_GE(usage.shared[0].bytes, k_megabyte);
  EXPECT_GE(usage.own_bytes, k_megabyte);
  EXPECT_LT(usage.own_bytes, k_megabyte + k_megabyte / 2);
  EXPECT_EQ(usage.all_bytes(), must(disk_usage_bytes(tree / "one")));
}

TEST(TreeUsage, OfNothingIsNothing) {
  const TreeBuilder tree;
  EXPECT_EQ(must(tree_usage(tree / "none")).all_bytes(), 0U);
}

TEST(TreeUsage, NeedsNoDescriptorForEachLevel) {
  const TreeBuilder tree;
  constexpr int k_depth = 300;
  Path deep = tree / "top";
  for (int i = 0; i < k_depth; ++i) deep /= "d";
  must(make_directories(deep));
  must(must(AtomicFile::create(deep / "file")).commit());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto usage = tree_usage(tree / "top");
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_GT(must(usage).changed_ms, 0) << "the file at the bottom was found";
}

TEST(TreeUsage, IsCancelled) {
  TreeBuilder tree;
  tree.file("top/folder/file", "x");
  const Cancellation cancellation = must(Cancellation::create());
  cancellation.request();
  EXPECT_THAT(tree_usage(tree / "top", &cancellation), IsError(Errc::cancelled));
}

}  // namespace
}  // namespace rtenv
