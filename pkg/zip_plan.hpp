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
/// into pieces of this size, which several threads compress.
inline constexpr std::uint64_t k_zip_piece_bytes = ContentReader::k_piece_bytes;

/// How the data of a large file are written, forward only. Some readers of streams, such as Java's,
/// accept sizes behind the data only if they are deflated.
enum class LargeForm : std::uint8_t {
  stored,         // size and CRC are before the data
  stored_blocks,  // deflated without compression: size and CRC follow the data
  deflated,       // the same, compressed
};

/// The most that a file can grow to in a form with its size behind the data.
std::uint64_t max_deflated_bytes(std::uint64_t size_bytes) noexcept;

/// A large file, which is opened once for all its pieces. Thread-safe.
class LargeFile {
 public:
  explicit LargeFile(LargeForm form) : form_(form) {}
  [[nodiscard]] LargeForm form() const noexcept { return form_; }
  /// Opens the file at the first call. Fails: as ContentSource::open.
  Result<std::shared_ptr<const OpenContent>> content(const ContentSource& source,
                                                     const Entry& entry);
  void close();

 private:
  const LargeForm form_;
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
