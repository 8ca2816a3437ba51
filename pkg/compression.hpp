// Deflate, piece by piece. Pieces of one file are compressed independently of each other, so by any number of threads
// with the same bytes; each but the last ends on a byte boundary, so that they can be put one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::pkg {

enum class Compression : std::uint8_t {
  automatic,  // per file: fast, or stored where that doesn't shrink it
  store,
  fast,  // ISA-L level 1: 4 times the speed of zlib's fastest at about its ratio
  best,  // zlib level 9
};

std::string_view name(Compression compression) noexcept;
/// "auto", "store", "fast" or "best". Fails: invalid_argument.
Result<Compression> parse_compression(std::string_view text);

/// Compresses pieces at one level. Owns its work memory; not thread-safe, make one per thread.
class Deflater {
 public:
  /// Requires: automatic, fast or best.
  explicit Deflater(Compression compression) : compression_(compression) {}

  /// Appends the deflated piece to `out`; `last` ends the stream.
  void compress(std::span<const std::byte> piece, bool last, std::vector<std::byte>& out);

 private:
  void compress_fast(std::span<const std::byte> piece, bool last, std::vector<std::byte>& out);
  static void compress_best(std::span<const std::byte> piece, bool last, std::vector<std::byte>& out);
  Compression compression_;
  std::vector<std::byte> level_buffer_;
};

/// Whether deflating `sample` saves at least one byte in 32: whether it is worth it for whoever reads it later.
bool worth_deflating(std::size_t original_bytes, std::size_t deflated_bytes) noexcept;

}  // namespace rtenv::pkg
