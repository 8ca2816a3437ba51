// Deflate, piece by piece. Pieces of one file are compressed independently of each other, so by any
// number of threads with the same bytes; each but the last ends on a byte boundary, so that they
// can be put one behind the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/raw_bytes.hpp"
#include "base/result.hpp"
#include "pkg/fast_stream.hpp"

struct libdeflate_compressor;

namespace rtenv::pkg {

enum class Compression : std::uint8_t {
  automatic,  // per file: fast, or stored where that doesn't shrink it
  store,
  fast,  // ISA-L level 1: 4 times the speed of zlib's fastest at about its ratio
  best,  // libdeflate level 9; of files in several pieces zlib level 9, which can be put together
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
  void compress(std::span<const std::byte> piece, bool last, RawBytes& out);
  /// The same for data that is one piece.
  void compress_whole(std::span<const std::byte> data, RawBytes& out);

 private:
  struct FreeCompressor {
    void operator()(libdeflate_compressor* compressor) const noexcept;
  };
  void compress_fast(std::span<const std::byte> piece, bool last, RawBytes& out);
  static void compress_best(std::span<const std::byte> piece, bool last, RawBytes& out);
  Compression compression_;
  RawBytes level_buffer_;
  FastStream stream_;  // made when it is first needed
  std::unique_ptr<libdeflate_compressor, FreeCompressor>
      compressor_;  // made when it is first needed
};

/// Whether three samples of the data say that deflating it is worth it; always true for less than a
/// few samples. Work memory for a sample is the deflater's own.
bool samples_shrink(std::span<const std::byte> data, Deflater& deflater);

/// Whether deflating `sample` saves at least one byte in 32: whether it is worth it for whoever
/// reads it later.
bool worth_deflating(std::size_t original_bytes, std::size_t deflated_bytes) noexcept;

}  // namespace rtenv::pkg
