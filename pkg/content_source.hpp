// Reads the content of a tree's files, from a directory or from a commit in a repository. What is
// read of a file is one state of it, or reading fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/changing.hpp"

namespace rtenv::pkg {

struct Entry;

/// Reads files one after another. Not thread-safe: use one per thread.
class ContentReader {
 public:
  static constexpr std::size_t k_piece_bytes = 1 << 20;

  virtual ~ContentReader() = default;

  /// Starts reading a file. Fails: permission_denied, changed (the file isn't what the scan
  /// saw).
  virtual Result<void> open(const Entry& entry) = 0;
  /// Starts reading a file that may have changed since the scan: the entry becomes what is read.
  /// Fails: permission_denied, changed (there is no file in the folder that the scan saw).
  virtual Result<void> open_current(Entry& entry) { return open(entry); }
  /// The next piece of the open file. Every piece but the last is k_piece_bytes long; empty at the
  /// end. Valid until the next call. Fails: changed.
  virtual Result<std::span<const std::byte>> next() = 0;

  /// Opens a file and passes every piece to `use`, which returns a Result<void>.
  template <class Use>
  Result<void> read_all(const Entry& entry, Use use) {
    RTENV_TRY(open(entry));
    return read_rest(use);
  }
  /// Passes the remaining pieces of the open file to `use`.
  template <class Use>
  Result<void> read_rest(Use use) {
    for (;;) {
      RTENV_TRY(const auto piece, next());
      if (piece.empty()) return {};
      RTENV_TRY(use(piece));
    }
  }
};

/// A file that was opened once and is read in any order, by any number of threads. Thread-safe.
class OpenContent {
 public:
  virtual ~OpenContent() = default;
  /// Fills `buffer`. Fails: changed (the file has become shorter).
  virtual Result<void> read_at(std::uint64_t offset, std::span<std::byte> buffer) const = 0;
  /// False if the file changed so recently that it must be read again, and be the same, before
  /// `check_unchanged` tells.
  [[nodiscard]] virtual bool is_settled() const { return true; }
  /// Call after the last read. Fails: changed.
  [[nodiscard]] virtual Result<void> check_unchanged() const { return {}; }
  /// The error for a second reading that differs from the first.
  [[nodiscard]] virtual Failure changed() const = 0;
  /// The file on disk, whose blocks can be shared; -1 if there is none. Not owned by the caller.
  [[nodiscard]] virtual int file() const { return -1; }
};

/// Thread-safe.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  [[nodiscard]] virtual std::unique_ptr<ContentReader> reader() const = 0;
  /// Fails: as ContentReader::open.
  [[nodiscard]] virtual Result<std::shared_ptr<const OpenContent>> open(
      const Entry& entry) const = 0;
};

}  // namespace rtenv::pkg
