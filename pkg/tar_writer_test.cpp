#include "pkg/tar_writer.hpp"

#include <gtest/gtest.h>

#include "pkg/tar_fixture.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {
namespace {

class TarWriterTest : public testing::Test {
 protected:
  TarSample sample_;
};

TEST_F(TarWriterTest, WritesTheSameBytesWithAnyNumberOfThreads) {
  const std::string bytes = sample_.packed(1);
  EXPECT_EQ(bytes, sample_.packed(2));
  EXPECT_EQ(bytes, sample_.packed(5));
}

TEST_F(TarWriterTest, WritesAnArchiveThatUnpackReads) {
  TreeBuilder folder;
  folder.file("a.tar.zst", sample_.packed(2));
  const auto summary = must(unpack(folder / "a.tar.zst", folder / "out", {}));
  EXPECT_EQ(summary.files, 4U);
  EXPECT_EQ(content_of(folder / "out/large"), sample_.large);
  EXPECT_EQ(content_of(folder / "out" / sample_.long_path), "deep");
  EXPECT_EQ(content_of(folder / "out/link"), "echo hi\n");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "out/empty"));
  const auto is_executable = [&](const char* name) {
    const auto permissions = std::filesystem::status(folder / "out" / name).permissions();
    return (permissions & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
  };
  EXPECT_TRUE(is_executable("run.sh"));
  EXPECT_FALSE(is_executable("nothing"));
}

}  // namespace
}  // namespace rtenv::pkg
