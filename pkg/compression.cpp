#include "pkg/compression.hpp"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

namespace rtenv::pkg {
namespace {

struct Row {
  Compression compression;
  std::string_view name;
};
constexpr std::array<Row, 4> k_names{{{Compression::automatic, "auto"},
                                      {Compression::store, "store"},
                                      {Compression::fast, "fast"},
                                      {Compression::best, "best"}}};

// A block's length has 16 bits; it follows three bits of header, filled up to a byte (RFC 1951).
constexpr std::size_t k_max_block_bytes = 0xffff;
constexpr std::size_t k_block_header_bytes = 5;

// Possible only with a bug.
void check_bound(bool held) {
  if (!held) throw std::logic_error("compressed data is larger than its bound");
}

// Incompressible data grows by five bytes for each stored block, and by the end of the stream.
std::size_t deflate_bound(std::size_t size) { return size + size / 1024 + 512; }

unsigned char* as_bytes(std::byte* data) { return reinterpret_cast<unsigned char*>(data); }
// Both libraries take their input as non-const, but don't modify it.
unsigned char* as_input(const std::byte* data) {
  return const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data));
}

}  // namespace

std::string_view name(Compression compression) noexcept {
  return std::ranges::find(k_names, compression, &Row::compression)->name;
}

Result<Compression> parse_compression(std::string_view text) {
  const auto* const row = std::ranges::find(k_names, text, &Row::name);
  if (row == k_names.end())
    return fail(Errc::invalid_argument, "unknown compression '{}'", text)
        .hint("one of: auto, store, fast, best");
  return row->compression;
}

void Deflater::compress(std::span<const std::byte> piece, bool last, RawBytes& out) {
  if (compression_ == Compression::best)
    compress_best(piece, last, out);
  else
    compress_fast(piece, last, out);
}

void Deflater::FreeCompressor::operator()(libdeflate_compressor* compressor) const noexcept {
  libdeflate_free_compressor(compressor);
}

void Deflater::compress_whole(std::span<const std::byte> data, RawBytes& out) {
  if (compression_ != Compression::best) return compress_fast(data, true, out);
  constexpr int k_level = 9;
  if (!compressor_) compressor_.reset(libdeflate_alloc_compressor(k_level));
  if (!compressor_) throw std::bad_alloc();
  const std::size_t begin = out.size();
  out.resize(begin + libdeflate_deflate_compress_bound(compressor_.get(), data.size()));
  const std::size_t packed = libdeflate_deflate_compress(
      compressor_.get(), data.data(), data.size(), out.data() + begin, out.size() - begin);
  check_bound(packed != 0);
  out.resize(begin + packed);
}

void Deflater::compress_fast(std::span<const std::byte> piece, bool last, RawBytes& out) {
  // Only level 1 gives the same bytes on every x86 processor since 2009 (SSE4.2), measured from
  // Nehalem to AVX-512; those of level 3 differ. See docs/decisions/0003-deterministic-deflate.md.
  level_buffer_.resize(ISAL_DEF_LVL1_DEFAULT);
  const std::size_t begin = out.size();
  out.resize(begin + deflate_bound(piece.size()));
  if (!stream_) stream_ = make_fast_stream();
  isal_zstream& stream = *stream_;
  isal_deflate_stateless_init(&stream);
  // ISA-L 2.30 doesn't initialize this: the previous content of the memory would sometimes limit
  // the distance of matches, and so change the bytes.
  stream.hist_bits = 0;
  stream.level = 1;
  stream.level_buf = as_bytes(level_buffer_.data());
  stream.level_buf_size = static_cast<std::uint32_t>(level_buffer_.size());
  stream.next_in = as_input(piece.data());
  stream.avail_in = static_cast<std::uint32_t>(piece.size());
  stream.next_out = as_bytes(out.data() + begin);
  stream.avail_out = static_cast<std::uint32_t>(out.size() - begin);
  stream.end_of_stream = last ? 1 : 0;
  stream.flush = last ? NO_FLUSH : FULL_FLUSH;
  check_bound(isal_deflate_stateless(&stream) == COMP_OK);
  out.resize(begin + stream.total_out);
}

void Deflater::compress_best(std::span<const std::byte> piece, bool last, RawBytes& out) {
  constexpr int k_raw_deflate = -15;
  constexpr int k_memory_level = 9;
  const std::size_t begin = out.size();
  out.resize(begin + deflate_bound(piece.size()));
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, k_raw_deflate, k_memory_level,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  stream.next_in = as_input(piece.data());
  stream.avail_in = static_cast<uInt>(piece.size());
  stream.next_out = as_bytes(out.data() + begin);
  stream.avail_out = static_cast<uInt>(out.size() - begin);
  const int result = deflate(&stream, last ? Z_FINISH : Z_FULL_FLUSH);
  deflateEnd(&stream);
  check_bound(result == (last ? Z_STREAM_END : Z_OK) && stream.avail_in == 0);
  out.resize(begin + stream.total_out);
}

RawBytes make_stored_blocks(std::size_t piece_bytes, bool last) {
  RawBytes blocks(stored_blocks_bytes(piece_bytes));
  for (std::size_t at = 0; piece_bytes > 0;) {
    const std::size_t length = std::min(piece_bytes, k_max_block_bytes);
    piece_bytes -= length;
    for (const std::size_t byte : {std::size_t{last && piece_bytes == 0}, length & 0xffU,
                                   length >> 8U, ~length & 0xffU, (~length >> 8U) & 0xffU})
      blocks[at++] = static_cast<std::byte>(byte);
    at += length;
  }
  return blocks;
}

std::vector<std::span<std::byte>> contents_of(RawBytes& blocks) {
  std::vector<std::span<std::byte>> contents;
  for (std::size_t at = k_block_header_bytes; at < blocks.size();) {
    const std::size_t length = std::min(blocks.size() - at, k_max_block_bytes);
    contents.push_back(std::span(blocks).subspan(at, length));
    at += length + k_block_header_bytes;
  }
  return contents;
}

std::uint64_t stored_blocks_bytes(std::uint64_t piece_bytes) noexcept {
  const std::uint64_t blocks = (piece_bytes + k_max_block_bytes - 1) / k_max_block_bytes;
  return piece_bytes + blocks * k_block_header_bytes;
}

bool samples_shrink(std::span<const std::byte> data, Deflater& deflater) {
  constexpr std::size_t k_sample_bytes = 1 << 14;
  if (data.size() < 8 * k_sample_bytes) return true;
  RawBytes deflated;
  for (std::size_t part = 0; part < 3; ++part)
    deflater.compress(data.subspan((data.size() - k_sample_bytes) / 2 * part, k_sample_bytes), true,
                      deflated);
  return worth_deflating(3 * k_sample_bytes, deflated.size());
}

bool worth_deflating(std::size_t original_bytes, std::size_t deflated_bytes) noexcept {
  return deflated_bytes < original_bytes - original_bytes / 32;
}

}  // namespace rtenv::pkg
