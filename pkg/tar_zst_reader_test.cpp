#include "pkg/tar_zst_reader.hpp"

#include <gtest/gtest.h>

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
