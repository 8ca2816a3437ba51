// Reads the files of a scanned directory in pieces, and detects files that changed since the scan.
//
// Optimized for trees of many small files: it holds the last file's folder open and opens the next
// file relative to it, and a file that fits into a piece costs one read. Pieces are large because
// large reads are twice as fast as small ones.
//
// A file is looked up in the folder that the scan saw. It must have its entry's stamp when it is
// opened, and still at its end; one status is enough if the file is read in one piece and its stamp
// is settled after that. One whose stamp isn't settled is read twice: a program may be in the
// middle of a write. Files of /proc, /sys and the like, whose size isn't that of their content,
// can't be read: invalid_argument.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/hash.hpp"
#include "pkg/content_source.hpp"
#include "pkg/file_stamp.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// Of a scan.
struct ScannedFiles {
  Path root;
  FileStamper stamper;
  /// By their paths; "" for the root. A path may lead to another folder meanwhile.
  std::unordered_map<std::string, FileIdentity> folders;
};

class FileReader : public ContentReader {
 public:
  explicit FileReader(std::shared_ptr<const ScannedFiles> files) : files_(std::move(files)) {}

  Result<void> open(const Entry& entry) override;
  Result<void> open_current(Entry& entry) override;
  Result<std::span<const std::byte>> next() override;

  /// Opens a file as `open` does, to keep it.
  Result<Fd> open_unchanged(const Entry& entry);

 private:
  Result<Fd> open_at(const std::string& path);
  Result<void> enter(std::string_view folder);
  void begin(Fd file, const Entry& entry);
  Result<void> check_stamp(const Fd& file) const;
  Result<void> read_again(std::span<const std::byte> last_piece);
  [[nodiscard]] Failure changed() const;
  [[nodiscard]] Failure in_use() const;
  [[nodiscard]] Failure other_size() const;
  [[nodiscard]] std::string shown() const { return (files_->root / path_).native(); }

  std::shared_ptr<const ScannedFiles> files_;
  Fd folder_;  // that of the last file
  std::string folder_path_;
  Fd file_;
  std::string path_;
  FileStamp stamp_;                         // of the open file, at the scan
  std::span<const std::byte> first_piece_;  // of `buffer_`, read by open_current
  std::uint64_t left_bytes_ = 0;
  bool is_one_piece_ = true;
  Xxh3 seen_;  // of what was read of a file that isn't settled and has several pieces
  // One byte more than a piece, to notice that a file grew.
  std::unique_ptr<std::byte[]> buffer_ =
      std::make_unique_for_overwrite<std::byte[]>(k_piece_bytes + 1);
  std::unique_ptr<std::byte[]> again_;
};

/// Reads the files of a directory on disk.
class DirectorySource : public ContentSource {
 public:
  explicit DirectorySource(ScannedFiles files)
      : files_(std::make_shared<const ScannedFiles>(std::move(files))) {}
  [[nodiscard]] std::unique_ptr<ContentReader> reader() const override {
    return std::make_unique<FileReader>(files_);
  }
  [[nodiscard]] Result<std::shared_ptr<const OpenContent>> open(const Entry& entry) const override;

 private:
  std::shared_ptr<const ScannedFiles> files_;
};

}  // namespace rtenv::pkg
