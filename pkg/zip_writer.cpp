#include "pkg/zip_writer.hpp"

#include <unistd.h>

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
        large_hasher_(ContentHasher::create(options.scheme)),
        progress_(options.on_progress) {
    if (options.compression == Compression::store)
      sharing_ = BlockSharing::between(tree.root, sink.file);
    records_.reserve(tree.entries.size());
    if (options.on_progress) progress_.expect(tree.total_bytes());
  }

  Result<void> write(PackedTask packed) {
    RTENV_TRY(packed.task.large ? write_piece(packed) : write_small(packed));
    if (options_.on_progress) progress_.add(content_bytes(packed.task));
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
    progress_.finish();
    return WrittenZip{.name = tree_hasher_->finish(), .size_bytes = written_bytes_};
  }

 private:
  [[nodiscard]] std::uint64_t content_bytes(const ZipTask& task) const {
    if (task.large)
      return std::min<std::uint64_t>(k_zip_piece_bytes,
                                     tree_.entries[task.first].size_bytes - task.offset);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < task.count; ++i) bytes += tree_.entries[task.first + i].size_bytes;
    return bytes;
  }

  [[nodiscard]] std::uint64_t position() const { return written_bytes_ + buffer_.size(); }

  Result<void> write_small(const PackedTask& packed) {
    for (std::size_t i = 0; i < packed.task.count; ++i)
      tree_hasher_->add(tree_.entries[packed.task.first + i], packed.contents[i]);
    for (ZipRecord record : packed.records) {
      record.local_offset += position();
      records_.push_back(record);
    }
    RTENV_TRY(flush());
    return write_through(packed.small);
  }

  Result<void> write_piece(PackedTask& packed) {
    const Entry& entry = tree_.entries[packed.task.first];
    LargeFile& large = *packed.task.large;
    RTENV_TRY(const auto content, large.content(*tree_.content, entry));
    if (packed.task.offset == 0) RTENV_TRY(begin_large(entry, large.form(), *content));
    digest_piece(packed);
    RTENV_TRY(flush());
    const RawBytes& data = large.form() == LargeForm::stored ? packed.raw : packed.deflated;
    large_packed_bytes_ += data.size();
    if (!shares_) RTENV_TRY(write_through(data));
    if (packed.task.offset + k_zip_piece_bytes < entry.size_bytes) return {};

    const ContentDigest digest = large_hasher_->finish();
    if (!content->is_settled()) RTENV_TRY(read_again(entry, *content, digest));
    if (shares_) RTENV_TRY(share(entry, *content));
    RTENV_TRY(content->check_unchanged());
    RTENV_TRY(finish_large(large.form(), *content));
    large.close();
    tree_hasher_->add(entry, digest);
    return {};
  }

  void digest_piece(PackedTask& packed) {
    const auto add = [&](std::span<const std::byte> raw) {
      large_hasher_->add(raw);
      large_crc_ = zip::crc32(large_crc_, raw);
    };
    if (!packed.raw.empty()) return add(packed.raw);
    for (const auto block : contents_of(packed.deflated)) add(block);
  }

  Result<void> read_again(const Entry& entry, const OpenContent& content,
                          const ContentDigest& digest) {
    large_hasher_->begin(entry.path);
    RTENV_TRY(read_all(entry, content, [&](std::span<const std::byte> piece) -> Result<void> {
      large_hasher_->add(piece);
      return {};
    }));
    return large_hasher_->finish() == digest ? Result<void>() : content.changed();
  }

  template <class Use>
  Result<void> read_all(const Entry& entry, const OpenContent& content, Use use) const {
    RawBytes piece(k_zip_piece_bytes);
    for (std::uint64_t offset = 0; offset < entry.size_bytes; offset += piece.size()) {
      piece.resize(std::min(k_zip_piece_bytes, entry.size_bytes - offset));
      RTENV_TRY(check_not_cancelled(options_.cancellation, "packing", entry.path));
      RTENV_TRY(content.read_at(offset, piece));
      RTENV_TRY(use(piece));
    }
    return {};
  }

  Result<void> begin_large(const Entry& entry, LargeForm form, const OpenContent& content) {
    large_hasher_->begin(entry.path);
    large_crc_ = 0;
    large_packed_bytes_ = 0;
    const std::string path = zip_path(entry, options_.top);
    ZipRecord record{.entry = &entry, .local_offset = position(), .flags = name_flag(path)};
    if (form == LargeForm::stored) {
      record.method = zip::k_method_store;
      record.packed_bytes = entry.size_bytes;
      if (sink_.file < 0) {
        RTENV_TRY(record.crc, crc_of(entry, content));
      }
      append_local_header(record, path, BlockSharing::k_alignment_bytes, buffer_);
      shares_ = sharing_ && content.file() >= 0 && content.is_settled();
    } else {
      record.method = zip::k_method_deflate;
      record.flags |= zip::k_flag_descriptor;
      append_local_header(record, path, 0, buffer_);
    }
    records_.push_back(record);
    return {};
  }

  // What is known only after the data have been written.
  Result<void> finish_large(LargeForm form, const OpenContent& content) {
    ZipRecord& record = records_.back();
    if (form == LargeForm::stored && sink_.file < 0)
      return record.crc == large_crc_ ? Result<void>() : content.changed();
    record.crc = large_crc_;
    record.packed_bytes = large_packed_bytes_;
    if (form == LargeForm::stored) return correct_crc(record);
    append_descriptor(record, buffer_);
    return {};
  }

  Result<void> correct_crc(const ZipRecord& record) {
    RawBytes crc;
    zip::RecordWriter(crc).u32(record.crc);
    const auto offset = static_cast<off_t>(record.local_offset + zip::k_local_crc_at);
    if (::pwrite(sink_.file, crc.data(), crc.size(), offset) != static_cast<ssize_t>(crc.size()))
      return fail_errno("write", "the package");
    return {};
  }

  [[nodiscard]] Result<std::uint32_t> crc_of(const Entry& entry, const OpenContent& content) const {
    std::uint32_t crc = 0;
    RTENV_TRY(read_all(entry, content, [&](std::span<const std::byte> piece) -> Result<void> {
      crc = zip::crc32(crc, piece);
      return {};
    }));
    return crc;
  }

  // Writes a large file that has been read but not written, by sharing its blocks.
  Result<void> share(const Entry& entry, const OpenContent& content) {
    RTENV_TRY(const bool shared, sharing_->append(content.file(), entry.size_bytes));
    if (shared) {
      written_bytes_ += entry.size_bytes;
      return {};
    }
    sharing_.reset();  // the kernel refused, and would refuse again
    return read_all(entry, content,
                    [&](std::span<const std::byte> piece) { return write_through(piece); });
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
  std::uint32_t large_crc_ = 0;
  std::uint64_t large_packed_bytes_ = 0;
  std::unique_ptr<TreeHasher> tree_hasher_;
  std::unique_ptr<ContentHasher> large_hasher_;
  std::vector<ZipRecord> records_;
  RawBytes buffer_;  // not passed to the sink yet
  std::uint64_t written_bytes_ = 0;
  ProgressMeter progress_;
};

}  // namespace

Result<WrittenZip> write_zip(Tree& tree, const ZipOptions& options, const ByteSink& sink) {
  RTENV_TRY(const auto tasks, plan_zip(tree, options));
  Writer writer(tree, options, sink);
  const std::size_t window = 4 * std::size_t{options.threads};
  RTENV_TRY(ordered_pipeline<PackedTask>(
      tasks.size(), options.threads, window, [&] { return ZipWorker(tree, options); },
      [&](ZipWorker& worker, std::size_t i) { return worker.pack(tasks[i]); },
      [&](PackedTask packed) { return writer.write(std::move(packed)); }));
  return writer.finish();
}

}  // namespace rtenv::pkg
