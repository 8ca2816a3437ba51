// Compresses a stream by zstd, in frames of 4 MiB of input that several threads compress at a time.
// The output doesn't depend on how many there are; a reader of zstd sees one stream. Each frame has
// its checksum. Memory: a few frames a thread.
#pragma once

#include "base/raw_bytes.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::pkg {

class ZstdFrames {
 public:
  ZstdFrames(ByteSink sink, unsigned threads);
  /// Fails: as the sink.
  Result<void> write(std::span<const std::byte> data);
  /// Once, after the last `write`.
  Result<void> finish();

 private:
  Result<void> flush();

  ByteSink sink_;
  unsigned threads_;
  RawBytes waiting_;  // as many frames as are compressed at a time
};

}  // namespace rtenv::pkg
