#include "pkg/zip_writer.hpp"

#include <algorithm>
#include <optional>

#include "base/ordered_pipeline.hpp"
#include "pkg/block_sharing.hpp"
#include "pkg/content_source.hpp"
#include "pkg/digest.hpp"
#include "pkg/zip_format.hpp"
#include "pkg/zip_plan.hpp"
#include "pkg/zip_records.hpp"
#include "pkg/zip_worker.hpp"

namespace rtenv::pkg {
namespace {

constexpr std::size_t k_write_bytes = 1 << 20;

// The serial part: writes what the workers packed, in the order of the tree.
class Writer {
 public:
  Writer(const Tree& tree, const ZipOptions& options, const ByteSink& sink)
      : tree_(tree),
        options_(options),
        sink_(sink),
        tree_hasher_(TreeHasher::create(options.scheme)),
        large_hasher_(ContentHasher::create(options.scheme)) {
    if (options.compression == Compression::store)
      sharing_ = BlockSharing::between(tree.root, sink.file);
    records_.reserve(tree.entries.size());
  }

  Result<void> write(const PackedTask& packed) {
    if (packed.task.large) return write_piece(packed);
    for (std::size_t i = 0; i < packed.task.count; ++i)
      RTENV_TRY(write_small(tree_.entries[packed.task.first + i], packed.small[i]));
    return {};
  }

  Result<WrittenZip> finish() {
    const std::uint64_t directory_offset = position();
    for (const ZipRecord& record : records_) {
      append_central_header(record, zip_path(*record.entry, options_.top), buffer_);
      RTENV_TRY(flush_if_full());
    }
    append_end(records_.size(), directory_offset, position() - directory_offset, buffer_);
    RTENV_TRY(flush());
    return WrittenZip{.name = tree_hasher_->finish(), .size_bytes = written_bytes_};
  }

 private:
  [[nodiscard]] std::uint64_t position() const { return written_bytes_ + buffer_.size(); }

  Result<void> write_small(const Entry& entry, const PackedEntry& packed) {
    tree_hasher_->add(entry, packed.content_digest);
    if (!is_in_zip(entry)) return {};
    const std::string path = zip_path(entry, options_.top);
    records_.push_back({.entry = &entry,
                        .local_offset = position(),
                        .packed_bytes = packed.data.size(),
                        .crc = packed.crc,
                        .method = packed.method,
                        .flags = name_flag(path)});
    append_local_header(records_.back(), path, buffer_);
    buffer_.insert(buffer_.end(), packed.data.begin(), packed.data.end());
    return flush_if_full();
  }

  Result<void> write_piece(const PackedTask& packed) {
    const Entry& entry = tree_.entries[packed.task.first];
    if (packed.task.offset == 0) begin_large(entry, packed.task.deflate);
    large_hasher_->add(packed.raw);
    ZipRecord& record = records_.back();
    record.crc = zip::crc32(record.crc, packed.raw);
    const RawBytes& data = packed.task.deflate ? packed.deflated : packed.raw;
    record.packed_bytes += data.size();
    RTENV_TRY(flush());
    if (!shares_) RTENV_TRY(write_through(data));
    if (packed.task.offset + packed.raw.size() < entry.size_bytes) return {};

    if (shares_) RTENV_TRY(share(entry));
    append_descriptor(record, buffer_);
    tree_hasher_->add(entry, large_hasher_->finish());
    return {};
  }

  void begin_large(const Entry& entry, bool deflate) {
    large_hasher_->begin(entry.path);
    const std::string path = zip_path(entry, options_.top);
    records_.push_back(
        {.entry = &entry,
         .local_offset = position(),
         .method = deflate ? zip::k_method_deflate : zip::k_method_store,
         .flags = static_cast<std::uint16_t>(name_flag(path) | zip::k_flag_descriptor)});
    const bool align = options_.compression == Compression::store;
    append_large_header(records_.back(), path,
                        align ? BlockSharing::k_alignment_bytes : std::uint16_t{0}, buffer_);
    shares_ = sharing_ && sharing_->begin(entry);
  }

  // Writes a large file that has been read but not written, by sharing its blocks.
  Result<void> share(const Entry& entry) {
    RTENV_TRY(const bool shared, sharing_->append());
    if (shared)
      written_bytes_ += entry.size_bytes;
    else
      RTENV_TRY(tree_.content->reader()->read_all(
          entry, [&](std::span<const std::byte> piece) { return write_through(piece); }));
    RTENV_TRY(sharing_->check_unchanged());
    if (!shared) sharing_.reset();  // the kernel refused, and would refuse again
    return {};
  }

  Result<void> flush_if_full() {
    return buffer_.size() >= k_write_bytes ? flush() : Result<void>();
  }

  Result<void> flush() {
    RTENV_TRY(write_through(buffer_));
    buffer_.clear();
    return {};
  }

  Result<void> write_through(std::span<const std::byte> data) {
    if (data.empty()) return {};
    RTENV_TRY(sink_.write(data));
    written_bytes_ += data.size();
    return {};
  }

  const Tree& tree_;
  const ZipOptions& options_;
  const ByteSink& sink_;
  std::optional<BlockSharing> sharing_;
  bool shares_ = false;  // the current large file will be written by sharing
  std::unique_ptr<TreeHasher> tree_hasher_;
  std::unique_ptr<ContentHasher> large_hasher_;
  std::vector<ZipRecord> records_;
  RawBytes buffer_;  // not passed to the sink yet
  std::uint64_t written_bytes_ = 0;
};

}  // namespace

Result<WrittenZip> write_zip(const Tree& tree, const ZipOptions& options, const ByteSink& sink) {
  RTENV_TRY(const auto tasks, plan_zip(tree, options));
  Writer writer(tree, options, sink);
  const std::size_t window = 4 * std::size_t{options.threads};
  RTENV_TRY(ordered_pipeline<PackedTask>(
      tasks.size(), options.threads, window, [&] { return ZipWorker(tree, options); },
      [&](ZipWorker& worker, std::size_t i) { return worker.pack(tasks[i]); },
      [&](const PackedTask& packed) { return writer.write(packed); }));
  return writer.finish();
}

}  // namespace rtenv::pkg
