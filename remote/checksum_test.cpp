#include "remote/checksum.hpp"

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "remote/http.hpp"

namespace rtenv::remote {
namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

// "KIND TEXT", or "none".
std::string offered(Headers headers, int status = 200) {
  const auto found = offered_checksum(
      {.status = status, .headers = std::move(headers), .body = {}, .final_url = {}});
  return found ? fmt::format("{} {}", name(found->kind), found->base64) : "none";
}

constexpr const char* k_sha256 = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
constexpr const char* k_md5 = "JfnnlDI7RTiF9RgfG2JNCw==";

std::string checksum(ChecksumKind kind, std::string_view text, std::size_t piece) {
  ChecksumHash hash(kind);
  for (std::size_t offset = 0; offset < text.size(); offset += piece)
    hash.add(std::as_bytes(std::span(text.substr(offset, piece))));
  return to_hex(base64_decode(hash.base64()).value());
}

TEST(Checksum, OfTheCheckTextOfTheCatalogueOfCrcs) {
  for (const std::size_t piece : {1U, 4U, 9U}) {
    EXPECT_EQ(checksum(ChecksumKind::crc32, "123456789", piece), "cbf43926");
    EXPECT_EQ(checksum(ChecksumKind::crc32c, "123456789", piece), "e3069283");
    EXPECT_EQ(checksum(ChecksumKind::crc64nvme, "123456789", piece), "ae8b14860a799888");
    EXPECT_EQ(checksum(ChecksumKind::md5, "123456789", piece), "25f9e794323b453885f5181f1b624d0b");
  }
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7);
  EXPECT_EQ(checksum(ChecksumKind::crc64nvme, text, 1000),
            checksum(ChecksumKind::crc64nvme, text, 1));
}

TEST(OfferedChecksum, OfTheStores) {
  EXPECT_EQ(offered({{"x-amz-checksum-crc32", "y/Q5Jg=="}}), "CRC-32 y/Q5Jg==");
  EXPECT_EQ(offered({{"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
                     {"x-amz-checksum-type", "FULL_OBJECT"}}),
            "CRC-64/NVME rosUhgp5mIg=");
  EXPECT_EQ(offered({{"x-goog-hash", fmt::format("crc32c=4waSgw==,md5={}", k_md5)}}),
            "CRC-32C 4waSgw==");
  EXPECT_EQ(offered({{"content-md5", k_md5}}), fmt::format("MD5 {}", k_md5));
}

TEST(OfferedChecksum, OfHttp) {
  const std::string expected = fmt::format("SHA-256 {}", k_sha256);
  EXPECT_EQ(offered({{"repr-digest", fmt::format("md5=:{}:, sha-256=:{}:", k_md5, k_sha256)}}),
            expected);
  EXPECT_EQ(offered({{"digest", fmt::format("SHA-256={},unknown=x", k_sha256)}}), expected);
  EXPECT_EQ(offered({{"repr-digest", "sha-256=:AAAA:"}}), "none") << "too short";
  EXPECT_EQ(offered({{"repr-digest", "sha-256,,=:"}}), "none");
}

TEST(OfferedChecksum, NotOfParts) {
  EXPECT_EQ(offered({{"x-amz-checksum-crc32", "y/Q5Jg=="}, {"x-amz-checksum-type", "COMPOSITE"}}),
            "none");
  EXPECT_EQ(offered({{"x-amz-checksum-crc32", "y/Q5Jg==-3"}}), "none");
  EXPECT_EQ(offered({{"content-md5", k_md5}}, 206), "none");
}

TEST(OfferedChecksum, NotOfWhatIsSentInAnotherEncodingThanStored) {
  const Headers stored{{"x-goog-hash", "crc32c=4waSgw=="},
                       {"x-goog-stored-content-encoding", "gzip"}};
  EXPECT_EQ(offered(stored), "none");
  Headers sent = stored;
  sent["content-encoding"] = "gzip";
  EXPECT_EQ(offered(sent), "CRC-32C 4waSgw==");
}

}  // namespace
}  // namespace rtenv::remote
