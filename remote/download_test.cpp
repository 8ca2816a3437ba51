#include "remote/download.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/encoding.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace rtenv::remote {
namespace {

constexpr std::size_t k_large_bytes = (20U << 20U) + 7;  // three parts

// A store in memory with one object, and with faults.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(std::string bytes) : content(std::move(bytes)) {}

  Result<ObjectInfo> stat(const Uri&) override {
    ++stats;
    return ObjectInfo{.size_bytes = content.size(),
                      .version = fmt::format("\"{}\"", version),
                      .tie = tie,
                      .checksum = checksum};
  }

  Result<void> read(const Uri&, const ObjectInfo& expected, const std::optional<ByteRange>& range,
                    const ContentSink& sink) override {
    const std::lock_guard lock(mutex_);
    ++reads;
    if (range) ++ranged_reads;
    if (range && !has_ranges) return fail(Errc::invalid_argument, "another range");
    if (replacements > 0) {
      --replacements;
      ++version;
      content[0] = static_cast<char>(content[0] + 1);
    }
    if (expected.version != fmt::format("\"{}\"", version))
      return fail(Errc::changed, "changed while it was read");
    std::string bytes = range ? content.substr(range->offset, range->size_bytes) : content;
    if (damages > 0 && --damages >= 0) bytes[0] = static_cast<char>(bytes[0] ^ 1);
    if (begins_again) {
      RTENV_TRY(sink.write(std::as_bytes(std::span(std::string_view("something longer")))));
      RTENV_TRY(sink.restart());
    }
    return sink.write(std::as_bytes(std::span(bytes)));
  }

  Result<std::unique_ptr<Upload>> upload(const Uri&, std::optional<std::uint64_t>) override {
    return fail(Errc::internal, "not in this test");
  }
  Result<void> list(const Uri&, const OnListed&) override { return {}; }
  Result<void> remove(const Uri&) override { return {}; }

  std::string content;
  int version = 1;
  Tie tie = Tie::etag;
  std::optional<Checksum> checksum;
  bool has_ranges = true;
  bool begins_again = false;
  int replacements = 0;  // how many reads find a new object
  int damages = 0;       // how many reads give a wrong byte
  int stats = 0;
  int reads = 0;
  int ranged_reads = 0;

 private:
  std::mutex mutex_;
};

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * i / 7);
  return text;
}

Checksum crc32c_of(std::string_view text) {
  ChecksumHash hash(ChecksumKind::crc32c);
  hash.add(std::as_bytes(std::span(text)));
  return {ChecksumKind::crc32c, hash.base64()};
}

class DownloadTest : public testing::Test {
 protected:
  // Expects that the file has the store's content and the digest of it.
  Result<Downloaded> download_from(MemoryStore& store, const std::string& pin = {}) {
    const Uri uri = must(Uri::parse("s3://bucket/object" + pin));
    auto downloaded = download(store, uri, must(store.stat(uri)), file_, {});
    std::error_code error;
    if (!downloaded) {
      EXPECT_FALSE(std::filesystem::exists(file_, error)) << "removed after a failure";
    } else {
      EXPECT_EQ(must(read_file(file_)), store.content);
      EXPECT_EQ(downloaded->sha256, sha256_hex(store.content));
      EXPECT_EQ(downloaded->xxh3, to_hex(Xxh3::of(std::as_bytes(std::span(store.content)))));
      std::filesystem::remove(file_, error);
    }
    return downloaded;
  }

  TempDir folder_ = must(TempDir::create());
  Path file_ = folder_.path() / "file";
};

TEST_F(DownloadTest, ReadsALargeObjectInPartsIfTheyAreTied) {
  for (const auto& [tie, parts] : {std::pair(Tie::etag, 3), {Tie::request, 3}, {Tie::none, 0}}) {
    MemoryStore store(noise(k_large_bytes));
    store.tie = tie;
    EXPECT_THAT(download_from(store), IsOk());
    EXPECT_EQ(store.ranged_reads, parts);
  }
}

TEST_F(DownloadTest, ReadsObjectsOfEachSize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, k_large_bytes}) {
    MemoryStore store(noise(size));
    EXPECT_THAT(download_from(store), IsOk());
  }
}

TEST_F(DownloadTest, ForgetsWhatWasReadIfTheContentBeginsAgain) {
  MemoryStore store("short");
  store.begins_again = true;
  EXPECT_THAT(download_from(store), IsOk());
}

TEST_F(DownloadTest, ReadsInOnePieceIfTheServerHasNoRangesAfterAll) {
  MemoryStore store(noise(k_large_bytes));
  store.has_ranges = false;
  EXPECT_THAT(download_from(store), IsOk());
}

TEST_F(DownloadTest, DownloadsTheNewObjectIfItIsReplaced) {
  MemoryStore store(noise(k_large_bytes));
  store.replacements = 2;
  EXPECT_EQ(must(download_from(store)).info.version, "\"3\"");
  store.replacements = 1000;
  EXPECT_THAT(download_from(store), IsError(Errc::changed));
}

TEST_F(DownloadTest, DownloadsWhatHasNotItsChecksumOnceMore) {
  for (const std::size_t size : {std::size_t{9}, k_large_bytes}) {
    MemoryStore store(noise(size));
    store.checksum = crc32c_of(store.content);
    store.damages = 1;
    EXPECT_THAT(download_from(store), IsOk());
    store.damages = 1000;
    store.stats = 0;
    EXPECT_THAT(download_from(store), IsError(Errc::corrupt, "its CRC-32C in the store is"));
    EXPECT_EQ(store.stats, 1 + 2) << "one attempt more";
  }
  MemoryStore store("123456789");
  store.checksum = Checksum{ChecksumKind::sha256, base64(Sha256::of({}))};
  EXPECT_THAT(download_from(store), IsError(Errc::corrupt, "its SHA-256 in the store is"));
}

TEST_F(DownloadTest, DoesNotRepeatADownloadWithAnotherPin) {
  MemoryStore store("123456789");
  EXPECT_THAT(download_from(store, "#sha256=" + sha256_hex("123456789")), IsOk());
  store.reads = 0;
  EXPECT_THAT(download_from(store, "#sha256=" + sha256_hex("other")),
              IsError(Errc::corrupt, "pinned digest"));
  EXPECT_EQ(store.reads, 1);
}

TEST_F(DownloadTest, LeavesAnEmptyFileOfTheCallersAfterAFailure) {
  MemoryStore store("123456789");
  const Fd file = must(open_file(file_, O_RDWR | O_CREAT));
  const Uri uri = must(Uri::parse("s3://bucket/object#sha256=" + sha256_hex("other")));
  EXPECT_THAT(download_to(store, uri, must(store.stat(uri)), {file, file_.native()}, {}),
              IsError(Errc::corrupt));
  EXPECT_EQ(must(read_file(file_)), "");
}

}  // namespace
}  // namespace rtenv::remote
