// Divides the packing of a tree into pieces of work, in the order of the zip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "pkg/content_source.hpp"
#include "pkg/tree.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::pkg {

/// Files up to this size are packed whole, with their sizes before their data. Larger ones are cut
/// into pieces of this size, which several threads compress, and have their sizes after their data.
inline constexpr std::uint64_t k_zip_piece_bytes = ContentReader::k_piece_bytes;

/// A large file, which is opened once for all its pieces. Thread-safe.
class LargeFile {
 public:
  explicit LargeFile(bool deflate) : deflate_(deflate) {}
  [[nodiscard]] bool deflate() const noexcept { return deflate_; }
  /// Opens the file at the first call. Fails: as ContentSource::open.
  Result<std::shared_ptr<const OpenContent>> content(const ContentSource& source,
                                                     const Entry& entry);
  void close();

 private:
  const bool deflate_;
  std::mutex mutex_;
  std::shared_ptr<const OpenContent> content_;
};

/// A batch of small entries, or one piece of a large file.
struct ZipTask {
  std::size_t first = 0;  // index into Tree::entries
  std::size_t count = 0;
  std::shared_ptr<LargeFile> large;  // of the piece
  std::uint64_t offset = 0;          // of the piece
};

/// Fails: invalid_argument (a path is too long for a zip), and as ContentSource::open.
Result<std::vector<ZipTask>> plan_zip(const Tree& tree, const ZipOptions& options);

}  // namespace rtenv::pkg
