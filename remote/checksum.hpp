// The checksums that stores and servers offer of whole objects: S3's x-amz-checksum-…, Google's
// x-goog-hash, Azure's Content-MD5, and HTTP's Repr-Digest, Digest and Content-MD5.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/hash.hpp"

namespace rtenv::remote {

struct HttpResponse;

/// In the order of preference: SHA-256 is computed anyway, the CRCs are fast.
enum class ChecksumKind : std::uint8_t { sha256, crc32c, crc64nvme, crc32, sha512, sha1, md5 };

std::string_view name(ChecksumKind kind) noexcept;

struct Checksum {
  ChecksumKind kind = ChecksumKind::sha256;
  std::string base64;  // of the bytes of a digest; of a CRC, big-endian
};

/// The best checksum of the whole object that a response has. Not that of an upload in parts that
/// only covers the parts' checksums, nor one of what the server stores in another encoding.
std::optional<Checksum> offered_checksum(const HttpResponse& response);

/// A CRC whose remainder is this wide. Bits are reflected, as in all kinds above.
template <ChecksumKind kind, class Word>
class Crc {
 public:
  void add(std::span<const std::byte> data);
  /// Big-endian.
  [[nodiscard]] std::array<std::byte, sizeof(Word)> finish() const;

 private:
  Word state_ = 0;
};
using Crc32 = Crc<ChecksumKind::crc32, std::uint32_t>;
using Crc32c = Crc<ChecksumKind::crc32c, std::uint32_t>;
using Crc64Nvme = Crc<ChecksumKind::crc64nvme, std::uint64_t>;

/// Computes a checksum of any kind. Not thread-safe.
class ChecksumHash {
 public:
  explicit ChecksumHash(ChecksumKind kind);
  void add(std::span<const std::byte> data);
  /// Call once.
  [[nodiscard]] std::string base64();

 private:
  std::variant<Sha256, Crc32c, Crc64Nvme, Crc32, Sha512, Sha1, Md5> hash_;
};

}  // namespace rtenv::remote
