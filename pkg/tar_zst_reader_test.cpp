#include "pkg/tar_zst_reader.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/hash.hpp"
#include "pkg/tar_fixture.hpp"

namespace rtenv::pkg {
namespace {

class TarZstReaderTest : public testing::Test {
 protected:
  // Unpacks `bytes` into the new folder `target`.
  Result<std::optional<std::vector<DigestedFile>>> unpack_to(const std::string& target,
                                                             const std::string& bytes,
                                                             const UnpackOptions& options = {}) {
    folder_.file("a.tar.zst", bytes).directory(target);
    return unpack_tar_zst(folder_ / "a.tar.zst", folder_ / target, options);
  }

  TreeBuilder folder_;
  TarSample sample_;
};

TEST_F(TarZstReaderTest, UnpacksAndDigestsWithAnyNumberOfThreads) {
  const std::string packed = sample_.packed(2);
  for (unsigned threads : {1U, 3U}) {
    const std::string target = fmt::format("out{}", threads);
    const auto files = must(unpack_to(target, packed, {.threads = threads}));
    const Path out = folder_ / target;
    ASSERT_TRUE(files);
    EXPECT_EQ(files->size(), 4U);
    for (const DigestedFile& file : *files) {
      Xxh3 hash;
      hash.add(content_of(out / file.path));
      EXPECT_EQ(file.xxh3, to_hex(hash.finish())) << file.path;
    }
    EXPECT_EQ(content_of(out / "large"), sample_.large);
    EXPECT_EQ(content_of(out / sample_.long_path), "deep");
    EXPECT_EQ(std::filesystem::read_symlink(out / "link"), "run.sh");
    EXPECT_TRUE(std::filesystem::is_directory(out / "empty"));
  }
}

TEST_F(TarZstReaderTest, UnpacksAFileLargerThanABatch) {
  std::string large(50'000'003, 'x');
  for (std::size_t i = 0; i < large.size(); i += 4093) large[i] = static_cast<char>(i);
  std::string bytes;
  TarWriter tar(append_to(bytes), 2);
  add_text(tar, "first", "1");
  add_text(tar, "large", large, true);
  add_text(tar, "last", "2");
  must(tar.finish());
  EXPECT_EQ(must(unpack_to("out", bytes))->size(), 3U);
  EXPECT_EQ(content_of(folder_ / "out/large"), large);
  EXPECT_EQ(content_of(folder_ / "out/last"), "2");
}

TEST_F(TarZstReaderTest, RefusesADamagedArchive) {
  const std::string whole = sample_.packed(2);
  std::string flipped = whole;
  flipped[200] = static_cast<char>(flipped[200] ^ 0x40);
  const auto damaged = unpack_to("flipped", flipped);
  EXPECT_TRUE(!damaged || !*damaged);
}

TEST_F(TarZstReaderTest, ReturnsNulloptForIncompleteFrames) {
  const std::string whole = sample_.packed(2);
  EXPECT_FALSE(must(unpack_to("truncated", whole.substr(0, whole.size() - 1))));
  EXPECT_FALSE(must(unpack_to("nothing", "nothing")));
}

// An entry that says it has `size_text` bytes, in an extended header.
std::string archive_with_size(char type, std::string_view size_text) {
  std::string bytes;
  TarWriter tar(append_to(bytes), 1);
  add_text(tar, "first", "1");
  must(tar.finish());
  // TarWriter writes no such sizes: the header of "first" is the template.
  std::string plain(1 << 20, '\0');
  plain.resize(ZSTD_decompress(plain.data(), plain.size(), bytes.data(), bytes.size()));
  const auto header = [&](char entry_type, std::string_view name, std::size_t size) {
    std::string block = plain.substr(0, 512);
    block.replace(0, 100, std::string(name) + std::string(100 - name.size(), '\0'));
    block.replace(124, 11, fmt::format("{:011o}", size));
    block[156] = entry_type;
    block.replace(148, 8, "        ");
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    block.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
    return block;
  };
  const std::string record = fmt::format("{} size={}\n", size_text.size() + 9, size_text);
  std::string tree = header('x', "pax", record.size()) + record;
  tree.resize(1024, '\0');
  tree += header(type, "huge", 0) + std::string(4096, '\0');
  std::string packed(ZSTD_compressBound(tree.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), tree.data(), tree.size(), 1));
  return packed;
}

TEST_F(TarZstReaderTest, RefusesSizesThatDoNotFit) {
  for (const char type : {'0', '2', '5', '7'})
    for (const char* size :
         {"18446744073709551615", "18446744073709551105", "9223372036854775808"}) {
      const auto target = fmt::format("out-{}-{}", type, size);
      EXPECT_THAT(unpack_to(target, archive_with_size(type, size)), testing::Not(IsOk()))
          << type << size;
      EXPECT_THAT(unpack(folder_ / "a.tar.zst", folder_ / (target + "-general"), {}),
                  testing::Not(IsOk()))
          << type << size;
    }
  // Without a limit, the archive is too short.
  EXPECT_THAT(unpack_to("unlimited", archive_with_size('0', "18446744073709551615"),
                        {.limits = {.max_total_bytes = ~0ULL, .max_ratio = ~0ULL}}),
              IsError(Errc::corrupt, "truncated"));
}

TEST_F(TarZstReaderTest, ReadsManyEmptyFrames) {
  const std::string whole = sample_.packed(2);
  std::string empty(64, '\0');
  empty.resize(ZSTD_compress(empty.data(), empty.size(), nullptr, 0, 1));
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += empty;
  EXPECT_EQ(must(unpack_to("out", bytes + whole + bytes))->size(), 4U);
}

TEST_F(TarZstReaderTest, RefusesAPathOutsideTheTarget) {
  for (const char* path : {"../out", "/etc/x", "a/../../b"}) {
    std::string bytes;
    TarWriter tar(append_to(bytes), 1);
    add_text(tar, path, "");
    must(tar.finish());
    EXPECT_THAT(unpack_to(fmt::format("out{}", std::string_view(path).size()), bytes),
                IsError(Errc::invalid_argument))
        << path;
  }
}

}  // namespace
}  // namespace rtenv::pkg
