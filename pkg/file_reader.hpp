// Reads the files of a scanned directory in pieces, and detects files that changed since the scan.
//
// Optimized for trees of many small files: it holds the last file's folder open and opens the next
// file relative to it, and a file that fits into a piece costs one read. Pieces are large because
// large reads are twice as fast as small ones.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pkg/content_source.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

class FileReader : public ContentReader {
 public:
  /// With the stamper of the scan, a file must have its entry's stamp when it is opened, and still
  /// at its end: the path may lead to another file meanwhile, and back.
  explicit FileReader(Path root, std::optional<FileStamper> stamper = std::nullopt)
      : root_path_(std::move(root)), stamper_(stamper) {}

  Result<void> open(const Entry& entry) override;
  Result<void> open_and_measure(Entry& entry) override;
  Result<std::span<const std::byte>> next() override;
  Result<void> read_at(const Entry& entry, std::uint64_t offset,
                       std::span<std::byte> buffer) override;

 private:
  Result<Fd> open_at(const std::string& path);
  [[nodiscard]] Result<void> check_stamp() const;
  [[nodiscard]] std::string shown(const std::string& path) const {
    return (root_path_ / path).native();
  }
  [[nodiscard]] Failure changed(const std::string& path) const {
    return changed_while(shown(path), "read");
  }

  Path root_path_;
  std::optional<FileStamper> stamper_;
  Fd root_;
  Fd folder_;
  std::string folder_path_;  // of folder_; empty for none
  Fd file_;
  std::string path_;
  FileStamp stamp_;  // of the open file, at the scan
  std::uint64_t left_bytes_ = 0;
  // One byte more than a piece, to notice that a file grew.
  std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(k_piece_bytes + 1);
};

/// Reads the files of a directory on disk.
class DirectorySource : public ContentSource {
 public:
  explicit DirectorySource(Path root, std::optional<FileStamper> stamper = std::nullopt)
      : root_(std::move(root)), stamper_(stamper) {}
  [[nodiscard]] std::unique_ptr<ContentReader> reader() const override {
    return std::make_unique<FileReader>(root_, stamper_);
  }

 private:
  Path root_;
  std::optional<FileStamper> stamper_;
};

}  // namespace rtenv::pkg
