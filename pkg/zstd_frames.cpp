#include "pkg/zstd_frames.hpp"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/ordered_pipeline.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_frame_bytes = 4U << 20U;
constexpr std::size_t k_frames_per_thread = 2;
constexpr int k_level = 3;

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeCompressor>;

Compressor make_compressor() {
  Compressor compressor(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_compressionLevel, k_level);
  ZSTD_CCtx_setParameter(compressor.get(), ZSTD_c_checksumFlag, 1);
  return compressor;
}

Result<RawBytes> compress(ZSTD_CCtx* compressor, std::span<const std::byte> frame) {
  RawBytes output(ZSTD_compressBound(frame.size()));
  const std::size_t size_bytes =
      ZSTD_compress2(compressor, output.data(), output.size(), frame.data(), frame.size());
  if (ZSTD_isError(size_bytes) != 0)
    return fail(Errc::internal, "zstd: {}", ZSTD_getErrorName(size_bytes));
  output.resize(size_bytes);
  return output;
}

}  // namespace

ZstdFrames::ZstdFrames(ByteSink sink, unsigned threads)
    : sink_(std::move(sink)), threads_(threads) {
  waiting_.reserve(threads_ * k_frames_per_thread * k_frame_bytes);
}

Result<void> ZstdFrames::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto part = data.first(std::min(data.size(), waiting_.capacity() - waiting_.size()));
    waiting_.insert(waiting_.end(), part.begin(), part.end());
    data = data.subspan(part.size());
    if (waiting_.size() == waiting_.capacity()) RTENV_TRY(flush());
  }
  return {};
}

Result<void> ZstdFrames::finish() { return flush(); }

Result<void> ZstdFrames::flush() {
  const std::size_t count = (waiting_.size() + k_frame_bytes - 1) / k_frame_bytes;
  RTENV_TRY(ordered_pipeline<RawBytes>(
      count, threads_, std::max<std::size_t>(count, 1), make_compressor,
      [&](const Compressor& compressor, std::size_t index) {
        const auto rest = std::span<const std::byte>(waiting_).subspan(index * k_frame_bytes);
        return compress(compressor.get(), rest.first(std::min(rest.size(), k_frame_bytes)));
      },
      [&](const RawBytes& frame) { return sink_.write(frame); }));
  waiting_.clear();
  return {};
}

}  // namespace rtenv::pkg
