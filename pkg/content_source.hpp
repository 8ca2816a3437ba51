// Where the content of a tree's files comes from: a directory, or a commit in a repository.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/result.hpp"

namespace rtenv::pkg {

struct Entry;

/// Reads one file after another. Not thread-safe: make one per thread.
class ContentReader {
 public:
  static constexpr std::size_t k_piece_bytes = 1 << 20;

  virtual ~ContentReader() = default;

  /// Begins a file. Requires: a measured entry.
  /// Fails: not_found, permission_denied, unavailable where it isn't what the scan saw.
  virtual Result<void> open(const Entry& entry) = 0;
  /// The same for an entry that may not be measured yet: then it is afterwards.
  virtual Result<void> open_and_measure(Entry& entry) { return open(entry); }
  /// The next piece: each but the last is k_piece_bytes long. Empty at the end. Valid until the
  /// next call. Fails: unavailable where the size isn't the measured one: the file changed
  /// meanwhile.
  virtual Result<std::span<const std::byte>> next() = 0;

  /// Any part of a file, apart from the one that is open; all of `buffer`. Requires: a measured
  /// entry. Fails: unavailable where the file is shorter, or, read to its measured end, longer.
  virtual Result<void> read_at(const Entry& entry, std::uint64_t offset,
                               std::span<std::byte> buffer) = 0;
};

/// Thread-safe.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  [[nodiscard]] virtual std::unique_ptr<ContentReader> reader() const = 0;
};

}  // namespace rtenv::pkg
