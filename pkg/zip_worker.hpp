// Reads, digests and compresses entries of a tree: the parallel part of writing a zip. Not
// thread-safe: use one per thread.
#pragma once

#include <memory>
#include <vector>

#include "pkg/compression.hpp"
#include "pkg/content_digest.hpp"
#include "pkg/digest.hpp"
#include "pkg/zip_plan.hpp"
#include "pkg/zip_records.hpp"

namespace rtenv::pkg {

/// The result of a task.
struct PackedTask {
  ZipTask task;
  // Of small entries: as they go into the zip, with their local headers.
  RawBytes small;
  std::vector<ZipRecord> records;       // with offsets in `small`
  std::vector<ContentDigest> contents;  // of all entries, also those that aren't in the zip
  // A piece of a large file, whose pieces the writer digests in their order. In stored blocks, it
  // is only in `deflated`.
  RawBytes raw;
  RawBytes deflated;  // as it goes into the zip, unless it is stored
};

class ZipWorker {
 public:
  /// Requires: both outlive it.
  ZipWorker(Tree& tree, const ZipOptions& options)
      : tree_(tree),
        options_(options),
        hasher_(ContentHasher::create(options.scheme)),
        deflater_(options.compression),
        reader_(tree.content->reader()) {}

  /// Fails: as ContentReader, cancelled.
  Result<PackedTask> pack(const ZipTask& task);

 private:
  Result<void> pack_piece(PackedTask& packed);
  static Result<void> read_blocks(const OpenContent& content, RawBytes blocks, PackedTask& packed);
  // Of `small`, if nothing is compressed: growing it would take longer than packing.
  [[nodiscard]] std::size_t expected_bytes(const ZipTask& task) const;
  Result<void> pack_entry(Entry& entry, PackedTask& packed);
  void append(const Entry& entry, std::span<const std::byte> raw, PackedTask& packed);
  bool deflate(std::span<const std::byte> raw);

  Tree& tree_;  // each entry is for the thread that packs it
  const ZipOptions& options_;
  std::unique_ptr<ContentHasher> hasher_;
  Deflater deflater_;
  RawBytes deflated_;
  std::unique_ptr<ContentReader> reader_;
};

}  // namespace rtenv::pkg
