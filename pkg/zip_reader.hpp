// Reads zips from any source and trusts none: every offset, length and flag is checked before it is
// used. Accepts stored and deflated entries, zip64, data descriptors, and other data before the
// zip. Refuses encryption, split archives, other methods, entries whose data overlap (zip bombs),
// and entries whose local header has another name than the directory.
//
// A ZipReader is immutable once open; several threads may read, each with its own Inflater. Format:
// see pkg/zip_format.hpp.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pkg/zip_directory.hpp"

namespace rtenv::pkg {

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
  /// (an encrypted entry, an unsupported method, more entries than `limits` allow), cancelled.
  static Result<ZipReader> open(const Path& path, const UnpackLimits& limits = {});
  static Result<ZipReader> open(ArchiveFile file, const UnpackLimits& limits,
                                const Cancellation* cancellation);

  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept { return directory_.entries; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept { return file_.size_bytes; }

  using Sink = std::function<Result<void>(std::span<const std::byte>)>;
  /// Passes the entry's content to `sink` in pieces; success means that size and CRC are correct.
  /// Fails: corrupt, and as `sink`.
  Result<void> read(const ZipEntry& entry, Inflater& inflater, const Sink& sink) const;
  /// The target of a link. Fails: corrupt.
  Result<std::string> read_link(const ZipEntry& entry, Inflater& inflater) const;

 private:
  ZipReader(ArchiveFile file, ZipDirectory directory)
      : file_(std::move(file)), directory_(std::move(directory)) {}
  Result<void> refuse_overlaps() const;
  Result<std::uint64_t> data_offset(const ZipEntry& entry) const;
  ArchiveFile file_;
  ZipDirectory directory_;
};

}  // namespace rtenv::pkg
