// Reads zips, our own and foreign ones, and trusts none: every offset, length and flag is checked
// before it is used. Accepts: stored and deflated entries, zip64, data descriptors. Refuses:
// encryption, split archives, other methods, entries whose data overlap (a bomb), names that differ
// between the directory and the entry itself.
//
// A ZipReader is immutable once open; `read` may be called from several threads, each with its own
// Inflater.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::pkg {

struct ZipEntry {
  std::string name;        // the bytes as they are; a directory's ends with '/'
  std::uint32_t mode = 0;  // Unix type and permission bits; 0 where the archive doesn't say
  bool from_unix = false;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t local_offset = 0;

  [[nodiscard]] bool is_directory() const { return name.ends_with('/'); }
  [[nodiscard]] bool is_link() const;
};

/// Work memory for inflating; one per thread.
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
  /// Fails: not_found, permission_denied, corrupt (not a zip, or a broken one), invalid_argument
  /// (refused).
  static Result<ZipReader> open(const Path& path);

  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept { return entries_; }

  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  /// Gives the entry's content to `sink` in pieces; success means that size and CRC are right.
  Result<void> read(const ZipEntry& entry, Inflater& inflater, const Sink& sink) const;
  /// The same, as a text no longer than `max_bytes`: for link targets.
  Result<std::string> read_text(const ZipEntry& entry, Inflater& inflater,
                                std::size_t max_bytes) const;

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
