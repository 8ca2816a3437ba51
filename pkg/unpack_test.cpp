#include "pkg/unpack.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <fstream>

#include "base/fault_point.hpp"
#include "base/file.hpp"
#include "pkg/archive_list.hpp"
#include "pkg/decompressed_file.hpp"
#include "pkg/package_fixture.hpp"
#include "pkg/tar_fixture.hpp"
#include "pkg/unpack_budget.hpp"

namespace rtenv::pkg {
namespace {

// An entry that says it has `size_text` bytes, in an extended header. It has `body_bytes`.
std::string archive_with_size(char type, std::string_view size_text,
                              std::size_t body_bytes = 4096) {
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
  tree += header(type, "huge", 0) + std::string(body_bytes, '\0');
  std::string packed(ZSTD_compressBound(tree.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), tree.data(), tree.size(), 1));
  return packed;
}

class UnpackTest : public testing::Test {
 protected:
  // The packed tree as the file p.zip.
  Path package() {
    out_.file("p.zip", pack(tree_).bytes);
    return out_ / "p.zip";
  }

  TreeBuilder tree_;
  TreeBuilder out_;
};

TEST_F(UnpackTest, DamagedPackageLeavesNoFiles) {
  tree_.file("src/a.py", std::string(2000, 'x')).file("b", "y").directory("e").link("l", "b");
  const Packed packed = pack(tree_);
  std::size_t refused = 0;
  std::mt19937 random(7);
  for (std::size_t i = 0; i < packed.bytes.size(); ++i) {
    std::string damaged = packed.bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ static_cast<char>(1U << (random() % 8)));
    if (i % 3 == 0) damaged.resize(i);
    out_.file("damaged.zip", damaged);
    const auto result = unpack(out_ / "damaged.zip", out_ / "target", {});
    if (result) {  // a bit without a meaning: in a time, in an attribute
      must(remove_tree(out_ / "target"));
      continue;
    }
    ++refused;
    EXPECT_FALSE(std::filesystem::exists(out_ / "target")) << "byte " << i;
  }
  EXPECT_GT(refused, packed.bytes.size() / 2);
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(out_.root()))
    ++count;
  EXPECT_EQ(count, 1U) << "only damaged.zip";
}

TEST_F(UnpackTest, RefusesANonemptyTargetAndAcceptsAnEmptyOne) {
  tree_.file("a", "x");
  out_.file("full/mine", "keep").directory("empty");
  EXPECT_THAT(unpack(package(), out_ / "full", {}), IsError(Errc::already_exists, "isn't empty"));
  EXPECT_THAT(unpack(package(), "", {}),
              IsError(Errc::invalid_argument, "the target is an empty path"));
  EXPECT_EQ(content_of(out_ / "full/mine"), "keep");
  EXPECT_THAT(unpack(package(), out_ / "empty", {}), IsOk());
  EXPECT_EQ(content_of(out_ / "empty/a"), "x");
}

TEST_F(UnpackTest, EnforcesTheLimits) {
  tree_.file("a", std::string(100'000, 'x')).file("b", "y");
  EXPECT_THAT(unpack(package(), out_ / "t", {.limits = {.max_total_bytes = 99'999}}),
              IsError(Errc::invalid_argument, "more than 99999"));
  EXPECT_THAT(unpack(package(), out_ / "t", {.limits = {.max_entries = 1}}),
              IsError(Errc::invalid_argument, "more than 1 entries"));
  EXPECT_FALSE(std::filesystem::exists(out_ / "t"));
}

TEST_F(UnpackTest, UnpacksWhatTarWriterWrote) {
  const TarSample sample;
  out_.file("a.tar.zst", sample.packed(2));
  must(unpack(out_ / "a.tar.zst", out_ / "t", {}));
  EXPECT_EQ(content_of(out_ / "t/large"), sample.large);
  EXPECT_EQ(content_of(out_ / "t" / sample.long_path), "deep");
  EXPECT_EQ(std::filesystem::read_symlink(out_ / "t/link"), "run.sh");
  EXPECT_TRUE(std::filesystem::is_directory(out_ / "t/empty"));
}

TEST_F(UnpackTest, RefusesLinksThatCannotBeMadeAsTheListDoes) {
  for (const std::string& target : {std::string(4096, 'x'), std::string()}) {
    std::string bytes;
    TarWriter tar(append_to(bytes), 1);
    must(tar.add_link("link", target));
    must(tar.finish());
    out_.file("a.tar.zst", bytes);
    EXPECT_THAT(unpack(out_ / "a.tar.zst", out_ / "t", {}),
                IsError(Errc::invalid_argument, "entry 'link' is refused"));
    EXPECT_THAT(list_archive(out_ / "a.tar.zst", {}),
                IsError(Errc::invalid_argument, "entry 'link' is refused"));
  }
}

TEST_F(UnpackTest, RemovesTheFoldersThatItMadeForTheTarget) {
  out_.file("bad.zip", "PK\3\4").directory("mine");
  for (const char* target : {"a/b/c", "mine/b/c", "mine/b/../x/c"}) {
    EXPECT_THAT(unpack(out_ / "bad.zip", out_ / target, {}), IsError(Errc::corrupt, "")) << target;
    EXPECT_FALSE(std::filesystem::exists(out_ / "a")) << target;
    EXPECT_TRUE(std::filesystem::is_empty(out_ / "mine")) << target;
  }
  EXPECT_THAT(unpack(out_ / "missing.zip", out_ / "a/b", {}), IsError(Errc::not_found, ""));
  EXPECT_FALSE(std::filesystem::exists(out_ / "a"));
}

TEST_F(UnpackTest, RefusesSizesThatDoNotFit) {
  for (const char type : {'0', '2', '5', '7'})
    for (const char* size :
         {"18446744073709551615", "18446744073709551105", "9223372036854775808"}) {
      out_.file("a.tar.zst", archive_with_size(type, size));
      const auto result = unpack(out_ / "a.tar.zst", out_ / "t",
                                 {.limits = {.max_total_bytes = ~0ULL, .max_ratio = ~0ULL}});
      EXPECT_THAT(result, testing::Not(IsOk())) << type << size;
      EXPECT_FALSE(std::filesystem::exists(out_ / "t")) << type << size;
    }
}

// A folder or link has no content, but the archive may have data there.
TEST_F(UnpackTest, CountsDataThatNobodyReads) {
  constexpr std::size_t k_hidden = 8 << 20;
  for (const char type : {'2', '5', 'V', 'x', 'g', 'L'}) {
    out_.file("a.tar.zst", archive_with_size(type, std::to_string(k_hidden), k_hidden + 1024));
    EXPECT_THAT(unpack(out_ / "a.tar.zst", out_ / "t", {.limits = {.max_total_bytes = 1 << 20}}),
                testing::Not(IsOk()))
        << type;
    EXPECT_FALSE(std::filesystem::exists(out_ / "t")) << type;
  }
  out_.file("a.tar.zst", archive_with_size('5', std::to_string(k_hidden), k_hidden + 1024));
  EXPECT_THAT(unpack(out_ / "a.tar.zst", out_ / "t", {.limits = {.max_total_bytes = 1 << 20}}),
              IsError(Errc::invalid_argument, "unpacks to more than 1048576 bytes"));
  EXPECT_THAT(unpack(out_ / "a.tar.zst", out_ / "t", {.limits = {.max_total_bytes = k_hidden}}),
              IsOk());
}

TEST_F(UnpackTest, CanBeInterruptedWithinDataThatNobodyReads) {
  const ArchiveLibrary& library = *must(archive_library());
  out_.file("a.tar.zst", archive_with_size('5', "8388608", 8 << 20));
  const ArchiveFile file = must(open_archive_file(out_ / "a.tar.zst"));
  const Cancellation cancellation = must(Cancellation::create());
  UnpackBudget budget({}, file.size_bytes, &cancellation);
  DecompressedFile decompressed(library, file, budget);
  must(decompressed.open());
  EXPECT_FALSE(must(decompressed.next()).empty());
  cancellation.request();
  EXPECT_THAT(decompressed.next(), IsError(Errc::cancelled, "interrupted"));
}

TEST_F(UnpackTest, DoesNotCountTheHeadersOfATar) {
  const std::string folder = (out_ / "many").native();
  std::uint64_t size = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = fmt::format("many/{:a>100}{}", "", i);
    out_.file(name, "1");
    ++size;
  }
  const std::string tar = (out_ / "a.tar").native();
  ASSERT_EQ(std::system(("tar --format=pax -cf " + tar + " -C " + folder + " .").c_str()), 0);
  ASSERT_GT(std::filesystem::file_size(tar), 3 << 19);
  EXPECT_THAT(unpack(tar, out_ / "t", {.limits = {.max_total_bytes = size}}), IsOk());
}

class DamagedTarTest : public UnpackTest {
 protected:
  // A tar archive with one file, compressed by a program.
  std::string compressed(const std::string& program) {
    std::string noise;
    std::uint64_t state = 1;
    while (noise.size() < 400'000) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      noise.push_back(static_cast<char>(state >> 56U));
    }
    tree_.file("f", noise);
    const std::string file = (out_ / "a.tar").native();
    const std::string command =
        fmt::format("tar -b 2048 -c -C {} f | {} > {}", tree_.root().native(), program, file);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return must(read_file(file));
  }
  void expect_corrupt(const std::string& bytes, const std::string& what) {
    out_.file("damaged", bytes);
    EXPECT_THAT(unpack(out_ / "damaged", out_ / "t", {}), IsError(Errc::corrupt)) << what;
    EXPECT_FALSE(std::filesystem::exists(out_ / "t")) << what;
  }
};

TEST_F(DamagedTarTest, IsRefusedWhereverItIsCut) {
  for (const char* const program : {"gzip", "xz", "bzip2", "zstd --check"}) {
    const std::string whole = compressed(program);
    for (const std::size_t missing : {1U, 4U, 8U, 30U, 200'000U})
      expect_corrupt(whole.substr(0, whole.size() - missing),
                     fmt::format("{} -{}", program, missing));
  }
}

TEST_F(DamagedTarTest, IsRefusedForAChecksumThatIsWrong) {
  for (const char* const program : {"gzip", "xz", "bzip2", "zstd --check"}) {
    const std::string whole = compressed(program);
    for (std::size_t i = 0; i < 20; ++i) {
      std::string damaged = whole;
      damaged[whole.size() / 4 + i * 10'007] ^= 1;
      expect_corrupt(damaged, fmt::format("{} {}", program, i));
    }
  }
  std::string gzip = compressed("gzip");
  for (const std::size_t from_end : {1U, 8U}) {  // of the length and of the checksum
    std::string damaged = gzip;
    damaged[gzip.size() - from_end] ^= 1;
    expect_corrupt(damaged, fmt::format("gzip -{}", from_end));
  }
}

TEST_F(UnpackTest, ReadsAllMembersOfACompressedFile) {
  tree_.file("f", std::string(1'000'000, 'x'));
  for (const char* const program : {"gzip", "xz", "bzip2", "zstd"}) {
    const std::string file = (out_ / program).native();
    const std::string command = fmt::format("tar -c -C {} f | split -b 123457 --filter={} - > {}",
                                            tree_.root().native(), program, file);
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    const Path target = out_ / (std::string(program) + ".d");
    EXPECT_THAT(unpack(file, target, {}), IsOk()) << program;
    EXPECT_EQ(must(read_file(target / "f")), std::string(1'000'000, 'x')) << program;
  }
}

TEST_F(UnpackTest, SkipsWhatAZstdFrameSaysIsToBeSkipped) {
  tree_.file("f", "1");
  const std::string file = (out_ / "a.tar.zst").native();
  const std::string command =
      fmt::format("{{ printf '\\120\\52\\115\\30\\4\\0\\0\\0skip'; tar -c -C {} f | zstd; }} > {}",
                  tree_.root().native(), file);
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  EXPECT_THAT(unpack(file, out_ / "t", {}), IsOk());
  EXPECT_EQ(must(read_file(out_ / "t/f")), "1");
}

// Somebody else puts a file into the target when it has been found empty.
class SharedTargetTest : public UnpackTest {
 protected:
  SharedTargetTest() {
    foreign_file = (out_ / "t/b").native();
    fault_hook = [](const char* point) {
      if (std::string_view(point) == "unpack.checked") std::ofstream(foreign_file) << "mine";
      return 0;
    };
  }
  ~SharedTargetTest() override { fault_hook = nullptr; }
  static inline std::string foreign_file;
};

TEST_F(SharedTargetTest, KeepsWhatOthersPutThere) {
  for (const char* const name : {"a", "b", "c", "d"}) tree_.file(name, "packed");
  tree_.file("folder/file", "packed");
  out_.directory("t");
  EXPECT_THAT(unpack(package(), out_ / "t", {}), IsError(Errc::already_exists, "t/b"));
  EXPECT_EQ(must(read_file(foreign_file)), "mine");
  const auto names = std::filesystem::directory_iterator(out_ / "t");
  EXPECT_EQ(std::distance(begin(names), end(names)), 1);
}

TEST_F(UnpackTest, ReadsEachCompressionButNotTwo) {
  tree_.file("d/f", std::string(100'000, 'x'));
  const std::string tar = (out_ / "a.tar").native();
  ASSERT_EQ(std::system(("tar -cf " + tar + " -C " + tree_.root().native() + " .").c_str()), 0);
  for (const char* program : {"cat", "gzip", "xz", "bzip2", "zstd"}) {
    ASSERT_EQ(std::system(fmt::format("{} < {} > {}.1", program, tar, tar).c_str()), 0);
    const Path target = out_ / program;
    EXPECT_THAT(unpack(tar + ".1", target, {}), IsOk()) << program;
    EXPECT_EQ(std::filesystem::file_size(target / "d/f"), 100'000U) << program;
  }
  ASSERT_EQ(std::system(fmt::format("gzip < {0}.1 > {0}.2", tar).c_str()), 0);
  EXPECT_THAT(unpack(tar + ".2", out_ / "t", {}),
              IsError(Errc::corrupt, "isn't a complete zip or tar archive"));
}

TEST_F(UnpackTest, SumsOfSizesCannotWrap) {
  UnpackBudget budget({.max_total_bytes = ~0ULL - 1, .max_ratio = ~0ULL}, 1, nullptr);
  must(budget.add_bytes(1000));
  EXPECT_THAT(budget.add_bytes(~0ULL - 500), IsError(Errc::invalid_argument, "unpacks to more"));
}

TEST_F(UnpackTest, StripTopDropsTheOnlyTopFolder) {
  tree_.file("top/a", "x").file("__MACOSX/junk", "");
  must(unpack(package(), out_ / "stripped", {.strip_top = true}));
  EXPECT_EQ(content_of(out_ / "stripped/a"), "x");
  must(unpack(package(), out_ / "whole", {.strip_top = false}));
  EXPECT_EQ(content_of(out_ / "whole/top/a"), "x");
}

TEST_F(UnpackTest, StripTopDoesNothingIfThereIsAnotherTopEntry) {
  tree_.file("top/a", "x").file("beside", "");
  must(unpack(package(), out_ / "both", {.strip_top = true}));
  EXPECT_EQ(content_of(out_ / "both/top/a"), "x");
}

}  // namespace
}  // namespace rtenv::pkg
