// Reads zips from any source and trusts none: every offset, length and flag is checked before it is
// used. Accepts stored and deflated entries, zip64 and data descriptors. Refuses encryption, split
// archives, other methods, entries whose data overlap (zip bombs), and entries whose local header
// has another name than the directory.
//
// A ZipReader is immutable once open; several threads may read, each with its own Inflater. Format:
// see pkg/zip_format.hpp.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::pkg {

struct ZipEntry {
  std::string name;        // the raw bytes; a directory's name ends with '/'
  std::uint32_t mode = 0;  // Unix type and permission bits; 0 if the archive has none
  bool from_unix = false;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t local_offset = 0;

  [[nodiscard]] bool is_directory() const { return name.ends_with('/'); }
  [[nodiscard]] bool is_link() const;
};

/// Working memory for inflating. Not thread-safe: use one per thread.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(Inflater&&) noexcept;

 private:
  friend class ZipReader;
  struct State;
  std::unique_ptr<State> state_;
};

class ZipReader {
 public:
  /// Fails: not_found, permission_denied, corrupt (not a zip, or a damaged one), invalid_argument
  /// (an encrypted entry, an unsupported method).
  static Result<ZipReader> open(const Path& path);

  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  /// The digest of the file that was opened, in hex. Fails: as read(2).
  [[nodiscard]] Result<std::string> sha1_hex() const;

  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  /// Passes the entry's content to `sink` in pieces; success means that size and CRC are correct.
  /// Fails: corrupt, and as `sink`.
  Result<void> read(const ZipEntry& entry, Inflater& inflater, const Sink& sink) const;
  /// The target of a link. Fails: corrupt.
  Result<std::string> read_link(const ZipEntry& entry, Inflater& inflater) const;

 private:
  ZipReader(Path path, Fd fd, std::uint64_t size_bytes)
      : path_(std::move(path)), fd_(std::move(fd)), size_bytes_(size_bytes) {}
  Result<void> read_directory();
  Result<void> refuse_overlaps() const;
  Result<std::uint64_t> data_offset(const ZipEntry& entry) const;
  [[nodiscard]] Failure broken(std::string_view what) const;

  Path path_;
  Fd fd_;
  std::uint64_t size_bytes_;
  std::uint64_t directory_offset_ = 0;
  std::vector<ZipEntry> entries_;
};

}  // namespace rtenv::pkg
