// Writes a .tar.zst, forward only. The same entries give the same bytes, regardless of user, time
// and number of threads. Names and sizes that don't fit into a ustar header are in pax headers.
// There are no owners and no times; modes are 0644 and 0755. For one thread.
//
// Format: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
#pragma once

#include <string>

#include "pkg/byte_sink.hpp"
#include "pkg/zstd_frames.hpp"

namespace rtenv::pkg {

class TarWriter {
 public:
  /// `threads` compress the output.
  TarWriter(ByteSink sink, unsigned threads) : output_(std::move(sink), threads) {}

  // Paths are relative, without a '/' at the end. Fails: as the sink.
  Result<void> add_directory(const std::string& path);
  Result<void> add_link(const std::string& path, const std::string& target);
  Result<void> add_file(const std::string& path, bool executable,
                        std::span<const std::byte> content);
  /// Exactly `size_bytes` of content must follow, in calls of `write`.
  Result<void> begin_file(const std::string& path, bool executable, std::uint64_t size_bytes);
  Result<void> write(std::span<const std::byte> data);

  /// Call once, at the end. Fails: internal (the last file is incomplete), and as the sink.
  Result<void> finish();

 private:
  Result<void> add_header(const std::string& path, const std::string& target, char type,
                          unsigned mode, std::uint64_t size_bytes);
  Result<void> pad(std::uint64_t size_bytes);

  ZstdFrames output_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t missing_bytes_ = 0;  // of the current file
};

}  // namespace rtenv::pkg
