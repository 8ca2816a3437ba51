// Reads the files of a scanned tree whole, in pieces, and notices when one isn't what the scan saw.
//
// Made for trees of many small files: it keeps the last file's folder open and opens the next one's beneath it, and a
// file that fits into a piece costs one read. Not thread-safe: it owns a buffer; make one per thread.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

class FileReader {
 public:
  /// Large, because the kernel hands out large reads at twice the speed of small ones.
  static constexpr std::size_t k_piece_bytes = 1 << 20;

  explicit FileReader(Path root) : root_path_(std::move(root)) {}

  /// Begins a file. Requires: the entry is measured.
  /// Fails: as open(2).
  Result<void> open(const Entry& entry);
  /// The same for an entry that may not be measured yet: then it is afterwards.
  /// Fails: unavailable where it isn't a file any more.
  Result<void> open_and_measure(Entry& entry);

  /// The next piece: each but the last is k_piece_bytes long. Empty at the end. Valid until the next call.
  /// Fails: unavailable where the size isn't the measured one: the file changed meanwhile; as read(2).
  Result<std::span<const std::byte>> next();

 private:
  Result<Fd> open_at(const std::string& path);
  [[nodiscard]] std::string shown(const std::string& path) const { return (root_path_ / path).native(); }
  [[nodiscard]] Failure changed() const;

  Path root_path_;
  Fd root_;
  Fd folder_;
  std::string folder_path_;  // what folder_ is open on; empty for none
  Fd file_;
  std::string path_;
  std::uint64_t left_bytes_ = 0;
  std::unique_ptr<std::byte[]> buffer_ =  // one byte more, to see a file that grew
      std::make_unique_for_overwrite<std::byte[]>(k_piece_bytes + 1);
};

}  // namespace rtenv::pkg
