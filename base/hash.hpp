// Streaming digests: MD5, SHA-1 and SHA-256 (OpenSSL), XXH3-128 (xxHash, dispatched to the
// processor at run time). One object hashes one stream, or many one after another by reset. Not
// thread-safe; make one per thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace rtenv {

/// Lower-case hex digits.
std::string to_hex(std::span<const std::byte> bytes);

template <std::size_t Size>
using DigestBytes = std::array<std::byte, Size>;

namespace hash_detail {
struct FreeEvp {
  void operator()(void* context) const noexcept;
};
struct FreeXxh {
  void operator()(void* state) const noexcept;
};
}  // namespace hash_detail

/// Common to all: `add` any number of times, then `finish` once; `reset` to begin anew.
class Sha1 {
 public:
  using Bytes = DigestBytes<20>;
  Sha1();
  void reset();
  void add(std::span<const std::byte> data);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  Bytes finish();

 private:
  std::unique_ptr<void, hash_detail::FreeEvp> context_;
};

class Sha256 {
 public:
  using Bytes = DigestBytes<32>;
  Sha256();
  void reset();
  void add(std::span<const std::byte> data);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  Bytes finish();

 private:
  std::unique_ptr<void, hash_detail::FreeEvp> context_;
};

class Xxh3 {
 public:
  using Bytes = DigestBytes<16>;  // canonical: big-endian
  Xxh3();
  void reset();
  void add(std::span<const std::byte> data);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  Bytes finish();

  /// Of data that is there as a whole: the same digest, for short data in a fraction of the time.
  static Bytes of(std::span<const std::byte> data);

 private:
  std::unique_ptr<void, hash_detail::FreeXxh> state_;
};

/// Only where a protocol asks for it: a store's checksum of what it was sent.
class Md5 {
 public:
  using Bytes = DigestBytes<16>;
  Md5();
  void reset();
  void add(std::span<const std::byte> data);
  Bytes finish();

 private:
  std::unique_ptr<void, hash_detail::FreeEvp> context_;
};

/// HMAC with SHA-256 (RFC 2104): what signs requests.
Sha256::Bytes hmac_sha256(std::span<const std::byte> key, std::string_view message);

/// SHA-256 of a text, as hex.
std::string sha256_hex(std::string_view text);
/// Of a file's content, as hex.
Result<std::string> sha1_hex_of_file(const Path& path);
Result<std::string> sha256_hex_of_file(const Path& path);

}  // namespace rtenv
