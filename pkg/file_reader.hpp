// Reads the files of a scanned tree whole, in pieces, and notices when one isn't what the scan saw.
// Not thread-safe: it owns a buffer; make one per thread.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

class FileReader {
 public:
  static constexpr std::size_t k_piece_bytes = 1 << 18;

  using Sink = std::function<Result<void>(std::span<const std::byte>)>;

  /// Gives the content to `sink` piece by piece: every piece but the last is k_piece_bytes long; an empty file has none.
  /// Fails: unavailable where the size isn't the scanned one: the file changed meanwhile; what open and read fail with.
  Result<void> read(const Path& root, const Entry& entry, const Sink& sink);

 private:
  std::vector<std::byte> buffer_ = std::vector<std::byte>(k_piece_bytes);
};

}  // namespace rtenv::pkg
