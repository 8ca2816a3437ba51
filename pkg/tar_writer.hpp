// Writes a .tar.zst forwards: the same entries give the same bytes, whoever writes them, when and
// with how many threads. The format is POSIX's ustar; names that are too long for it, and sizes,
// are in pax headers. No owners, no times; modes 0644 and 0755. For one thread.
//
// Format: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
#pragma once

#include <string>

#include "pkg/zstd_frames.hpp"

namespace rtenv::pkg {

class TarWriter {
 public:
  /// `threads`: that compress.
  TarWriter(ByteSink sink, unsigned threads) : output_(std::move(sink), threads) {}

  // Paths are relative, without '/' at the end. Fails: as the sink.
  Result<void> add_directory(const std::string& path);
  Result<void> add_link(const std::string& path, const std::string& target);
  Result<void> add_file(const std::string& path, bool executable,
                        std::span<const std::byte> content);
  /// The content follows by `write`, exactly `size_bytes` of it.
  Result<void> begin_file(const std::string& path, bool executable, std::uint64_t size_bytes);
  Result<void> write(std::span<const std::byte> data);

  /// Once. Requires: the last file is complete.
  Result<void> finish();

 private:
  Result<void> add_header(const std::string& path, const std::string& target, char type,
                          unsigned mode, std::uint64_t size_bytes);
  Result<void> pad(std::uint64_t size_bytes);

  ZstdFrames output_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t missing_bytes_ = 0;  // of the file that was begun
};

}  // namespace rtenv::pkg
