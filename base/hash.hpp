// Streaming digests: MD5, SHA-1 and SHA-2 (OpenSSL), and XXH3-128 (xxHash, which selects the
// fastest instruction set at run time). Not thread-safe; use one object per thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"

namespace rtenv {

/// Lower-case hex digits.
std::string to_hex(std::span<const std::byte> bytes);

enum class HashAlgorithm : std::uint8_t { md5, sha1, sha256, sha384, sha512, xxh3_128 };

constexpr std::size_t digest_size(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha1: return 20;
    case HashAlgorithm::sha256: return 32;
    case HashAlgorithm::sha384: return 48;
    case HashAlgorithm::sha512: return 64;
    default: return 16;
  }
}

/// Hashes one stream: `add` any number of times, then `finish` once. `reset` starts the next
/// stream.
template <HashAlgorithm algorithm>
class Hash {
 public:
  /// The digest; of XXH3-128 in its canonical form, big-endian.
  using Bytes = std::array<std::byte, digest_size(algorithm)>;

  Hash();
  void reset();
  void add(std::span<const std::byte> data);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  Bytes finish();

  /// The digest of data that is in memory. For short data much faster than `add` with XXH3-128.
  static Bytes of(std::span<const std::byte> data);

 private:
  struct Free {
    void operator()(void* state) const noexcept;
  };
  std::unique_ptr<void, Free> state_;
};

using Md5 = Hash<HashAlgorithm::md5>;  // only for checksums that a protocol defines
using Sha1 = Hash<HashAlgorithm::sha1>;
using Sha256 = Hash<HashAlgorithm::sha256>;
using Sha384 = Hash<HashAlgorithm::sha384>;
using Sha512 = Hash<HashAlgorithm::sha512>;
using Xxh3 = Hash<HashAlgorithm::xxh3_128>;

extern template class Hash<HashAlgorithm::md5>;
extern template class Hash<HashAlgorithm::sha1>;
extern template class Hash<HashAlgorithm::sha256>;
extern template class Hash<HashAlgorithm::sha384>;
extern template class Hash<HashAlgorithm::sha512>;
extern template class Hash<HashAlgorithm::xxh3_128>;

/// HMAC-SHA-256 (RFC 2104), for signing requests.
Sha256::Bytes hmac_sha256(std::span<const std::byte> key, std::string_view message);

/// The SHA-256 digest of a text, in hex.
std::string sha256_hex(std::string_view text);
/// The digest of a file's content, in hex. `cancellation` may be null. Fails: not_found,
/// permission_denied, invalid_argument (a directory), cancelled.
Result<std::string> sha1_hex_of_file(const Path& path, const Cancellation* cancellation = nullptr);
Result<std::string> sha256_hex_of_file(const Path& path,
                                       const Cancellation* cancellation = nullptr);
/// The same for a file that is open, wherever its position is, which doesn't change. `path` is for
/// messages.
Result<std::string> sha1_hex_of_file(const Fd& file, const Path& path,
                                     const Cancellation* cancellation);
/// The digest of a file's content. Fails: as sha256_hex_of_file.
Result<Sha384::Bytes> sha384_of_file(const Path& path);
Result<Sha512::Bytes> sha512_of_file(const Path& path);

}  // namespace rtenv
