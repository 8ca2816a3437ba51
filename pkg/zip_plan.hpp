// Divides the packing of a tree into pieces of work, in the order of the zip.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pkg/content_source.hpp"
#include "pkg/tree.hpp"
#include "pkg/zip_writer.hpp"

namespace rtenv::pkg {

/// Files up to this size are packed whole, with their sizes before their data. Larger ones are cut
/// into pieces of this size, which several threads compress, and have their sizes after their data.
inline constexpr std::uint64_t k_zip_piece_bytes = ContentReader::k_piece_bytes;

/// A batch of small entries, or one piece of a large file.
struct ZipTask {
  std::size_t first = 0;  // index into Tree::entries
  std::size_t count = 0;
  std::uint64_t offset = 0;  // large file: of the piece
  bool large = false;
  bool deflate = false;  // large file: the same for all its pieces
};

/// Requires: measured entries. Fails: invalid_argument (a path is too long for a zip), and as
/// ContentReader::read_at.
Result<std::vector<ZipTask>> plan_zip(const Tree& tree, const ZipOptions& options);

}  // namespace rtenv::pkg
