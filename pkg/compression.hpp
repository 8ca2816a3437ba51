// Deflate, in pieces. The pieces of a file are compressed independently of each other, so the bytes
// don't depend on the number of threads. Each piece but the last ends on a byte boundary, so that
// they can be concatenated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/raw_bytes.hpp"
#include "base/result.hpp"
#include "pkg/fast_stream.hpp"

struct libdeflate_compressor;

namespace rtenv::pkg {

enum class Compression : std::uint8_t {
  automatic,  // per file: fast, or not at all if that doesn't shrink it
  store,
  fast,  // ISA-L level 1: 4 times the speed of zlib's fastest at about its ratio
  best,  // libdeflate level 9; zlib level 9 for files of several pieces, to concatenate them
};

std::string_view name(Compression compression) noexcept;
/// "auto", "store", "fast" or "best". Fails: invalid_argument.
Result<Compression> parse_compression(std::string_view text);

/// Compresses pieces at one level. Owns its working memory. Not thread-safe: use one per thread.
class Deflater {
 public:
  /// Requires: automatic, fast or best.
  explicit Deflater(Compression compression) : compression_(compression) {}

  /// Appends the deflated piece to `out`; `last` ends the stream.
  void compress(std::span<const std::byte> piece, bool last, RawBytes& out);
  /// The same for a whole file that is one piece.
  void compress_whole(std::span<const std::byte> data, RawBytes& out);

 private:
  struct FreeCompressor {
    void operator()(libdeflate_compressor* compressor) const noexcept;
  };
  void compress_fast(std::span<const std::byte> piece, bool last, RawBytes& out);
  static void compress_best(std::span<const std::byte> piece, bool last, RawBytes& out);
  Compression compression_;
  RawBytes level_buffer_;
  // Both are created when first needed.
  FastStream stream_;
  std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor_;
};

/// A piece of a deflate stream without compression, as "stored" blocks whose contents are still to
/// be filled in; `last` ends the stream.
RawBytes make_stored_blocks(std::size_t piece_bytes, bool last);
/// The contents of its blocks, in their order. Views into `blocks`.
std::vector<std::span<std::byte>> contents_of(RawBytes& blocks);
/// The size of the blocks for a piece of this size.
std::uint64_t stored_blocks_bytes(std::uint64_t piece_bytes) noexcept;

/// Whether three samples of the data show that deflating it is worthwhile; true for data that is
/// too short for samples.
bool samples_shrink(std::span<const std::byte> data, Deflater& deflater);

/// Whether deflating saves more than one byte in 32, which makes up for the cost of inflating.
bool worth_deflating(std::size_t original_bytes, std::size_t deflated_bytes) noexcept;

}  // namespace rtenv::pkg
