// Compresses a stream by zstd, in frames of 4 MiB of input, several in parallel. The output doesn't
// depend on the number of threads; to a zstd reader it is one stream. Each frame has a checksum.
// Memory: a few frames per thread.
#pragma once

#include "base/raw_bytes.hpp"
#include "pkg/byte_sink.hpp"

namespace rtenv::pkg {

class ZstdFrames {
 public:
  ZstdFrames(ByteSink sink, unsigned threads);
  /// Fails: as the sink.
  Result<void> write(std::span<const std::byte> data);
  /// Call once, after the last `write`. Fails: as the sink.
  Result<void> finish();

 private:
  Result<void> flush();

  ByteSink sink_;
  unsigned threads_;
  RawBytes waiting_;  // up to the number of frames that are compressed in parallel
};

}  // namespace rtenv::pkg
