#include "pkg/tar_writer.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/hash.hpp"
#include "pkg/tar_zst_reader.hpp"
#include "pkg/unpack.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::pkg {
namespace {

struct Sample {
  std::string large = std::string(9'000'001, 'x');
  std::string long_path = fmt::format("{:a>150}/{:b>150}", "", "");

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
  const auto mode = [&](const char* name) {
    return std::filesystem::status(folder.root() / "out" / name).permissions();
  };
  EXPECT_NE(mode("run.sh") & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
  EXPECT_EQ(mode("nothing") & std::filesystem::perms::owner_exec, std::filesystem::perms::none);
}

TEST(TarZstReader, UnpacksWithAnyNumberOfThreadsAndDigests) {
  const Sample sample;
  const TreeBuilder folder;
  const Path archive = folder.root() / "a.tar.zst";
  std::ofstream(archive, std::ios::binary) << sample.packed(2);
  for (unsigned threads : {1U, 3U}) {
    const Path out = folder.root() / fmt::format("out{}", threads);
    std::filesystem::create_directory(out);
    const auto files = must(unpack_tar_zst(archive, out, {.threads = threads}));
    ASSERT_TRUE(files);
    EXPECT_EQ(files->size(), 4U);
    for (const DigestedFile& file : *files) {
      Xxh3 hash;
      hash.add(must(read_file(out / file.path)));
      EXPECT_EQ(file.xxh3, to_hex(hash.finish())) << file.path;
    }
    EXPECT_EQ(must(read_file(out / "large")), sample.large);
    EXPECT_EQ(must(read_file(out / sample.long_path)), "deep");
    EXPECT_EQ(std::filesystem::read_symlink(out / "link"), "run.sh");
    EXPECT_TRUE(std::filesystem::is_directory(out / "empty"));
  }
}

TEST(TarZstReader, AFileLargerThanABatchIsWhole) {
  const TreeBuilder folder;
  std::string large(50'000'003, 'x');
  for (std::size_t i = 0; i < large.size(); i += 4093) large[i] = static_cast<char>(i);
  const Path archive = folder.root() / "a.tar.zst";
  {
    std::ofstream file(archive, std::ios::binary);
    TarWriter tar({.write = [&](std::span<const std::byte> data) -> Result<void> {
                    file.write(reinterpret_cast<const char*>(data.data()),
                               static_cast<std::streamsize>(data.size()));
                    return {};
                  }},
                  2);
    must(tar.add_file("first", false, std::as_bytes(std::span(std::string_view("1")))));
    must(tar.add_file("large", true, std::as_bytes(std::span(large))));
    must(tar.add_file("last", false, std::as_bytes(std::span(std::string_view("2")))));
    must(tar.finish());
  }
  std::filesystem::create_directory(folder.root() / "out");
  EXPECT_EQ(must(unpack_tar_zst(archive, folder.root() / "out", {}))->size(), 3U);
  EXPECT_EQ(must(read_file(folder.root() / "out/large")), large);
  EXPECT_EQ(must(read_file(folder.root() / "out/last")), "2");
}

TEST(TarZstReader, RefusesWhatIsDamagedOrLeadsOut) {
  const Sample sample;
  const TreeBuilder folder;
  const Path archive = folder.root() / "a.tar.zst";
  const std::string whole = sample.packed(2);
  const auto unpacked = [&](const std::string& bytes, const char* name) {
    std::ofstream(archive, std::ios::binary | std::ios::trunc) << bytes;
    std::filesystem::create_directory(folder.root() / name);
    return unpack_tar_zst(archive, folder.root() / name, {});
  };
  std::string flipped = whole;
  flipped[200] = static_cast<char>(flipped[200] ^ 0x40);
  const auto damaged = unpacked(flipped, "flipped");
  EXPECT_TRUE(!damaged || !*damaged);
  EXPECT_FALSE(must(unpacked(whole.substr(0, whole.size() - 1), "cut")))
      << "no whole frames: another reader says what is wrong";
  EXPECT_FALSE(must(unpacked("nothing", "nothing")));
  for (const char* path : {"../out", "/etc/x", "a/../../b"}) {
    std::string bytes;
    TarWriter tar({.write = [&](std::span<const std::byte> data) -> Result<void> {
                    bytes.append(reinterpret_cast<const char*>(data.data()), data.size());
                    return {};
                  }},
                  1);
    must(tar.add_file(path, false, {}));
    must(tar.finish());
    EXPECT_THAT(unpacked(bytes, fmt::format("out{}", std::string_view(path).size()).c_str()),
                IsError(Errc::invalid_argument))
        << path;
  }
}

}  // namespace
}  // namespace rtenv::pkg
