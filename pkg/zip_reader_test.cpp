#include "pkg/zip_reader.hpp"

#include <gtest/gtest.h>

#include "pkg/package_fixture.hpp"
#include "pkg/zip_format.hpp"

namespace rtenv::pkg {
namespace {

using zip::RecordWriter;

// One entry of an archive written by hand.
struct RawEntry {
  std::string name = "a";
  std::string data = "hello";  // as stored, in method `method`
  std::uint16_t method = zip::k_method_store;
  std::uint16_t flags = 0;
  std::uint32_t size = 5;
  std::uint32_t mode = zip::k_type_file | 0644U;
};

std::uint32_t crc_of(std::string_view text) {
  return zip::crc32(0, std::as_bytes(std::span(text)));
}

// A zip with one entry.
std::string raw_zip(const RawEntry& entry, const std::string& comment = "") {
  RawBytes out;
  RecordWriter record(out);
  const std::uint32_t crc = crc_of(entry.data);
  const auto packed = static_cast<std::uint32_t>(entry.data.size());
  const auto name_bytes = static_cast<std::uint16_t>(entry.name.size());
  record.u32(zip::k_local_header).u16(20).u16(entry.flags).u16(entry.method).u16(0).u16(0);
  record.u32(crc).u32(packed).u32(entry.size).u16(name_bytes).u16(0);
  record.text(entry.name).text(entry.data);
  const auto directory = static_cast<std::uint32_t>(out.size());
  record.u32(zip::k_central_header).u16(zip::k_made_by_unix | 20).u16(20).u16(entry.flags);
  record.u16(entry.method).u16(0).u16(0).u32(crc).u32(packed).u32(entry.size);
  record.u16(name_bytes).u16(0).u16(0).u16(0).u16(0).u32(entry.mode << 16U).u32(0).text(entry.name);
  const auto directory_bytes = static_cast<std::uint32_t>(out.size()) - directory;
  record.u32(zip::k_end).u16(0).u16(0).u16(1).u16(1).u32(directory_bytes).u32(directory);
  record.u16(static_cast<std::uint16_t>(comment.size())).text(comment);
  return std::string(as_text(out));
}

class ZipReaderTest : public testing::Test {
 protected:
  Result<ZipReader> open(const std::string& bytes) {
    folder_.file("a.zip", bytes);
    return ZipReader::open(folder_ / "a.zip");
  }
  // The content of the first entry.
  Result<std::string> read(const std::string& bytes) {
    RTENV_TRY(const ZipReader zip, open(bytes));
    return content(zip, zip.entries().at(0));
  }
  static Result<std::string> content(const ZipReader& zip, const ZipEntry& entry) {
    Inflater inflater;
    std::string text;
    RTENV_TRY(zip.read(entry, inflater, [&](std::span<const std::byte> data) -> Result<void> {
      text.append(as_text(data));
      return {};
    }));
    return text;
  }

  TreeBuilder folder_;
};

TEST_F(ZipReaderTest, RefusesADirectoryThatOthersReadInAnotherWay) {
  // The end record counts none of the entries.
  std::string uncounted = raw_zip({});
  const std::size_t end = uncounted.size() - zip::k_end_bytes;
  uncounted[end + 8] = uncounted[end + 10] = 0;
  EXPECT_THAT(open(uncounted), IsError(Errc::corrupt, "more than its entries"));
  // A comment with another zip in it, whose end record isn't at the end.
  EXPECT_THAT(open(raw_zip({}, raw_zip({.name = "b"}) + "x")),
              IsError(Errc::corrupt, "second end record"));
}

TEST_F(ZipReaderTest, ReadsTheOutputOfZipWriter) {
  const MixedTree tree;
  for (const Compression compression : {Compression::store, Compression::fast, Compression::best}) {
    const ZipReader zip = must(open(pack(tree, {.compression = compression}).bytes));
    ASSERT_EQ(zip.entries().size(), 12U);
    for (const ZipEntry& entry : zip.entries()) {
      if (entry.is_directory()) {
        EXPECT_EQ(entry.name, "empty/deep/");
        continue;
      }
      Inflater inflater;
      const std::string text =
          entry.is_link() ? must(zip.read_link(entry, inflater)) : must(content(zip, entry));
      EXPECT_EQ(text.size(), entry.size_bytes.value());
      EXPECT_TRUE(text == (entry.is_link() ? "a.py" : content_of(tree / entry.name))) << entry.name;
    }
  }
}

TEST_F(ZipReaderTest, ReportsModesAndTypes) {
  TreeBuilder tree;
  tree.file("f", "x").file("run", "#!", 0755).link("l", "f").directory("d");
  std::vector<std::string> seen;
  const ZipReader zip = must(open(pack(tree).bytes));
  for (const ZipEntry& entry : zip.entries())
    seen.push_back(fmt::format("{} {:o}", entry.name, entry.mode));
  EXPECT_THAT(seen, testing::ElementsAre("d/ 40755", "f 100644", "l 120777", "run 100755"));
}

TEST_F(ZipReaderTest, ReadsAnEmptyArchive) {
  EXPECT_TRUE(must(open(pack(TreeBuilder()).bytes)).entries().empty());
}

TEST_F(ZipReaderTest, ReadsAnArchiveWithAComment) {
  EXPECT_EQ(must(read(raw_zip({}, "a comment"))), "hello");
}

TEST_F(ZipReaderTest, ReadsZip64Sizes) {
  // The sizes of a central header may be in its extra field, whatever their values.
  RawBytes out;
  RecordWriter record(out);
  const std::uint32_t crc = crc_of("hello");
  record.u32(zip::k_local_header).u16(45).u16(0).u16(0).u16(0).u16(0);
  record.u32(crc).u32(5).u32(5).u16(1).u16(0).text("a").text("hello");
  const auto directory = static_cast<std::uint32_t>(out.size());
  record.u32(zip::k_central_header).u16(zip::k_made_by_unix | 45).u16(45).u16(0).u16(0);
  record.u16(0).u16(0).u32(crc).u32(zip::k_limit32).u32(zip::k_limit32).u16(1).u16(20);
  record.u16(0).u16(0).u16(0).u32(0).u32(0).text("a");
  record.u16(zip::k_extra_zip64).u16(16).u64(5).u64(5);
  const auto directory_bytes = static_cast<std::uint32_t>(out.size()) - directory;
  record.u32(zip::k_end).u16(0).u16(0).u16(1).u16(1).u32(directory_bytes).u32(directory).u16(0);
  EXPECT_EQ(must(read(std::string(as_text(out)))), "hello");
  std::string without_field(as_text(out));
  without_field[directory + zip::k_central_header_bytes + 1] = 2;  // another kind of extra field
  EXPECT_THAT(open(without_field), IsError(Errc::corrupt, "sizes of 'a' are missing"));
}

TEST_F(ZipReaderTest, ReadsAnArchiveBehindOtherData) {
  const std::string prefix = "#!/usr/bin/env python3\n";
  EXPECT_EQ(must(read(prefix + raw_zip({}))), "hello");
  // A writer that knows of the prefix counts the offsets from the beginning of the file.
  std::string aware = raw_zip({});
  const auto shift = static_cast<char>(prefix.size());
  const std::size_t directory = zip::k_local_header_bytes + 1 + 5;
  aware[directory + 42] = static_cast<char>(aware[directory + 42] + shift);
  aware[aware.size() - 6] = static_cast<char>(aware[aware.size() - 6] + shift);
  EXPECT_EQ(must(read(prefix + aware)), "hello");
}

TEST_F(ZipReaderTest, RefusesMoreEntriesThanAllowedBeforeItReadsThem) {
  TreeBuilder tree;
  tree.file("a", "x").file("b", "y");
  std::string bytes = pack(tree).bytes;
  const std::size_t directory = bytes.find("PK\1\2");
  bytes[directory] = 'X';  // a damaged directory, which nobody comes to read
  folder_.file("a.zip", bytes);
  EXPECT_THAT(ZipReader::open(folder_ / "a.zip", {.max_entries = 1, .hint = "allow more"}),
              IsError(Errc::invalid_argument, "more than 1 entries"));
  EXPECT_THAT(ZipReader::open(folder_ / "a.zip", {.max_entries = 2}),
              IsError(Errc::corrupt, "a directory entry is damaged"));
}

// Every number of the directory and the end record becomes the largest one, and others near it.
TEST_F(ZipReaderTest, SurvivesEveryNumber) {
  TreeBuilder tree;
  tree.file("a", "some text").file("b", "").directory("c").link("l", "a");
  const std::string whole = pack(tree).bytes;
  const std::size_t directory = whole.find("PK\1\2");
  for (std::size_t at = directory; at + 8 <= whole.size(); ++at)
    for (const std::size_t width : {2U, 4U, 8U}) {
      std::string bytes = whole;
      bytes.replace(at, width, std::string(width, '\xff'));
      if (const auto zip = open(bytes)) {
        for (const ZipEntry& entry : zip->entries()) (void)content(*zip, entry);
      }
    }
}

TEST_F(ZipReaderTest, RefusesFilesThatAreNotZips) {
  for (const char* bytes : {"", "PK", "not a zip at all, but long enough for an end record"})
    EXPECT_THAT(open(bytes), IsError(Errc::corrupt, "isn't a complete zip")) << bytes;
  EXPECT_THAT(ZipReader::open(folder_ / "missing.zip"), IsError(Errc::not_found));
}

TEST_F(ZipReaderTest, RefusesATruncatedArchiveAtEveryLength) {
  const std::string whole = raw_zip({});
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THAT(open(whole.substr(0, size)), IsError(Errc::corrupt)) << size;
}

TEST_F(ZipReaderTest, DetectsDamagedContent) {
  const std::string whole = raw_zip({});
  std::string damaged = whole;
  damaged[zip::k_local_header_bytes + 1] = 'H';
  EXPECT_THAT(read(damaged), IsError(Errc::corrupt, "checksum of 'a' is wrong"));
  EXPECT_THAT(read(raw_zip({.data = "\xff\xff", .method = zip::k_method_deflate})),
              IsError(Errc::corrupt, "'a' can't be inflated"));
}

TEST_F(ZipReaderTest, DetectsWrongSizes) {
  EXPECT_THAT(open(raw_zip({.size = 4})), IsError(Errc::corrupt, "inconsistent"));
  const std::string stored_block("\x01\x05\x00\xfa\xffhello", 10);  // a deflate stream
  const auto deflated = [&](const std::string& data, std::uint32_t size) {
    return raw_zip({.data = data, .method = zip::k_method_deflate, .size = size});
  };
  EXPECT_THAT(read(deflated(stored_block, 4)), IsError(Errc::corrupt, "longer than its declared"));
  EXPECT_THAT(read(deflated(stored_block, 6)), IsError(Errc::corrupt, "shorter than its declared"));
  EXPECT_THAT(read(deflated(stored_block + "x", 5)), IsError(Errc::corrupt, "data after the end"));
}

TEST_F(ZipReaderTest, RefusesALocalHeaderWithAnotherName) {
  std::string bytes = raw_zip({.name = "good"});
  bytes[zip::k_local_header_bytes] = 'b';
  EXPECT_THAT(read(bytes), IsError(Errc::corrupt, "'good' isn't at the offset"));
}

TEST_F(ZipReaderTest, RefusesDataThatOverlapsTheCentralDirectory) {
  std::string bytes = raw_zip({.method = zip::k_method_deflate});
  const std::size_t directory = zip::k_local_header_bytes + 1 + 5;
  bytes[directory + 20] = 6;  // the packed size: one byte into the directory
  EXPECT_THAT(open(bytes), IsError(Errc::corrupt, "overlaps"));
}

TEST_F(ZipReaderTest, RefusesEncryptionAndUnsupportedMethods) {
  EXPECT_THAT(open(raw_zip({.flags = zip::k_flag_encrypted})),
              IsError(Errc::invalid_argument, "'a' is encrypted"));
  EXPECT_THAT(open(raw_zip({.method = 14})),
              IsError(Errc::invalid_argument, "compressed by method 14"));
}

TEST_F(ZipReaderTest, RefusesALongLinkTarget) {
  const std::string target(5000, 'x');
  const ZipReader zip =
      must(open(raw_zip({.data = target, .size = 5000, .mode = zip::k_type_link | 0777U})));
  Inflater inflater;
  EXPECT_TRUE(zip.entries()[0].is_link());
  EXPECT_THAT(zip.read_link(zip.entries()[0], inflater), IsError(Errc::corrupt, "too long"));
}

TEST_F(ZipReaderTest, PropagatesSinkErrors) {
  const ZipReader zip = must(open(raw_zip({})));
  Inflater inflater;
  EXPECT_THAT(zip.read(zip.entries()[0], inflater,
                       [](std::span<const std::byte>) -> Result<void> {
                         return fail(Errc::out_of_space, "the disk is full");
                       }),
              IsError(Errc::out_of_space, "full"));
}

}  // namespace
}  // namespace rtenv::pkg
