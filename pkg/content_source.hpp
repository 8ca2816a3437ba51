// Reads the content of a tree's files, from a directory or from a commit in a repository.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"

namespace rtenv::pkg {

struct Entry;

/// Reads files one after another. Not thread-safe: use one per thread.
class ContentReader {
 public:
  static constexpr std::size_t k_piece_bytes = 1 << 20;

  virtual ~ContentReader() = default;

  /// Starts reading a file. Requires: a measured entry.
  /// Fails: not_found, permission_denied, unavailable (the file isn't what the scan saw).
  virtual Result<void> open(const Entry& entry) = 0;
  /// The same for an entry that may not be measured yet; measures it.
  virtual Result<void> open_and_measure(Entry& entry) { return open(entry); }
  /// The next piece of the open file. Every piece but the last is k_piece_bytes long; empty at the
  /// end. Valid until the next call. Fails: unavailable (the size isn't the measured one: the file
  /// changed meanwhile).
  virtual Result<std::span<const std::byte>> next() = 0;

  /// Fills `buffer` from any offset of any file, independently of the open one. Requires: a
  /// measured entry. Fails: unavailable (the file is shorter or, when read to its measured end,
  /// longer).
  virtual Result<void> read_at(const Entry& entry, std::uint64_t offset,
                               std::span<std::byte> buffer) = 0;

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

/// Thread-safe.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  [[nodiscard]] virtual std::unique_ptr<ContentReader> reader() const = 0;
};

/// The error of a file or directory that changed during an operation: "read", "copied".
/// Code: unavailable.
Failure changed_while(const std::string& path, std::string_view operation);

}  // namespace rtenv::pkg
