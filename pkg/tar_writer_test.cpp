#include "pkg/tar_writer.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "pkg/unpack.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::pkg {
namespace {

struct Sample {
  std::string large = std::string(9'000'001, 'x');
  std::string long_path = std::string(150, 'a') + "/" + std::string(150, 'b');

  void add_to(TarWriter& tar) const {
    must(tar.add_directory("empty"));
    must(tar.add_file("run.sh", true, std::as_bytes(std::span(std::string_view("echo hi\n")))));
    must(tar.add_file("nothing", false, {}));
    must(tar.add_file(long_path, false, std::as_bytes(std::span(std::string_view("deep")))));
    must(tar.add_link("link", "run.sh"));
    must(tar.add_file("large", false, std::as_bytes(std::span(large))));
    must(tar.finish());
  }

  [[nodiscard]] std::string packed(unsigned threads) const {
    std::string bytes;
    TarWriter tar({.write = [&](std::span<const std::byte> data) -> Result<void> {
                    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
                    return {};
                  }},
                  threads);
    add_to(tar);
    return bytes;
  }
};

TEST(TarWriter, WritesTheSameBytesWithAnyNumberOfThreads) {
  const Sample sample;
  const std::string bytes = sample.packed(1);
  EXPECT_EQ(bytes, sample.packed(2));
  EXPECT_EQ(bytes, sample.packed(5));
}

TEST(TarWriter, WritesWhatUnpackReads) {
  const Sample sample;
  const TreeBuilder folder;
  const Path archive = folder.root() / "a.tar.zst";
  std::ofstream(archive, std::ios::binary) << sample.packed(2);
  const auto summary = must(unpack(archive, folder.root() / "out", {}));
  EXPECT_EQ(summary.files, 4U);
  EXPECT_EQ(must(read_file(folder.root() / "out/large")), sample.large);
  EXPECT_EQ(must(read_file(folder.root() / "out" / sample.long_path)), "deep");
  EXPECT_EQ(must(read_file(folder.root() / "out/link")), "echo hi\n");
  EXPECT_TRUE(std::filesystem::is_directory(folder.root() / "out/empty"));
  const auto mode = [&](const char* name) { return std::filesystem::status(folder.root() / "out" / name).permissions(); };
  EXPECT_NE(mode("run.sh") & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
  EXPECT_EQ(mode("nothing") & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
}

}  // namespace
}  // namespace rtenv::pkg
