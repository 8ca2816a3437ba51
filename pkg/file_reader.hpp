// Reads the files of a scanned directory whole, in pieces, and notices when one isn't what the scan
// saw.
//
// Made for trees of many small files: it keeps the last file's folder open and opens the next one's
// beneath it, and a file that fits into a piece costs one read. Pieces are large, because the
// kernel hands out large reads at twice the speed of small ones.
#pragma once

#include <string>

#include "pkg/tree.hpp"

namespace rtenv::pkg {

class FileReader : public ContentReader {
 public:
  explicit FileReader(Path root) : root_path_(std::move(root)) {}

  Result<void> open(const Entry& entry) override;
  Result<void> open_and_measure(Entry& entry) override;
  Result<std::span<const std::byte>> next() override;
  Result<void> read_at(const Entry& entry, std::uint64_t offset,
                       std::span<std::byte> buffer) override;

 private:
  Result<Fd> open_at(const std::string& path);
  [[nodiscard]] std::string shown(const std::string& path) const {
    return (root_path_ / path).native();
  }
  [[nodiscard]] Failure changed(const std::string& path) const;

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

/// The files of a directory as they are on disk.
class DirectorySource : public ContentSource {
 public:
  explicit DirectorySource(Path root) : root_(std::move(root)) {}
  [[nodiscard]] std::unique_ptr<ContentReader> reader() const override {
    return std::make_unique<FileReader>(root_);
  }

 private:
  Path root_;
};

}  // namespace rtenv::pkg
