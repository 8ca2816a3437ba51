#include "pkg/zip_worker.hpp"

#include <algorithm>

#include "pkg/zip_format.hpp"

namespace rtenv::pkg {

Result<PackedTask> ZipWorker::pack(const ZipTask& task) {
  RTENV_TRY(check_not_cancelled(options_.cancellation, "packing", tree_.root.native()));
  PackedTask packed{.task = task, .small = {}, .raw = {}, .deflated = {}};
  if (task.large) {
    RTENV_TRY(pack_piece(packed));
    return packed;
  }
  packed.small.reserve(task.count);
  for (std::size_t i = task.first; i < task.first + task.count; ++i) {
    RTENV_TRY(auto entry,
              retry_if_changed(k_retries_of_file, [&] { return pack_entry(tree_.entries[i]); }));
    packed.small.push_back(std::move(entry));
  }
  return packed;
}

Result<void> ZipWorker::pack_piece(PackedTask& packed) {
  const Entry& entry = tree_.entries[packed.task.first];
  const std::uint64_t offset = packed.task.offset;
  const std::size_t size = std::min(k_zip_piece_bytes, entry.size_bytes - offset);
  const bool last = offset + size == entry.size_bytes;
  RTENV_TRY(const auto content, packed.task.large->content(*tree_.content, entry));
  const LargeForm form = packed.task.large->form();
  if (form != LargeForm::stored_blocks) {
    packed.raw.resize(size);
    RTENV_TRY(content->read_at(offset, packed.raw));
    if (form == LargeForm::stored) return {};
    deflater_.compress(packed.raw, last, packed.deflated);
    if (packed.deflated.size() <= stored_blocks_bytes(size)) return {};
  }
  packed.raw.clear();
  return read_blocks(*content, make_stored_blocks(size, last), packed);
}

// Straight to their places: a copy would take as long as reading.
Result<void> ZipWorker::read_blocks(const OpenContent& content, RawBytes blocks,
                                    PackedTask& packed) {
  packed.deflated = std::move(blocks);
  std::uint64_t offset = packed.task.offset;
  for (const auto block : contents_of(packed.deflated)) {
    RTENV_TRY(content.read_at(offset, block));
    offset += block.size();
  }
  return {};
}

Result<PackedEntry> ZipWorker::pack_entry(Entry& entry) {
  PackedEntry packed{.method = zip::k_method_store, .data = {}, .content_digest = {}};
  if (entry.type == EntryType::link) {
    const auto target = std::as_bytes(std::span(entry.link_target));
    packed.data.assign(target.begin(), target.end());
    packed.crc = zip::crc32(0, packed.data);
  }
  if (entry.type != EntryType::file) return packed;

  RTENV_TRY(reader_->open_current(entry));
  if (entry.size_bytes > k_zip_piece_bytes)
    return changed_while((tree_.root / entry.path).native(), "read");
  RTENV_TRY(const auto raw, reader_->next());  // all of it: a small file is one piece
  hasher_->begin(entry.path);
  hasher_->add(raw);
  packed.content_digest = hasher_->finish();
  packed.crc = zip::crc32(0, raw);
  if (deflate(raw)) {
    packed.method = zip::k_method_deflate;
    packed.data.assign(deflated_.begin(), deflated_.end());
    return packed;
  }
  packed.data.assign(raw.begin(), raw.end());
  return packed;
}

// Deflates into deflated_; false if storing is the better choice.
bool ZipWorker::deflate(std::span<const std::byte> raw) {
  const bool automatic = options_.compression == Compression::automatic;
  if (options_.compression == Compression::store || raw.empty()) return false;
  if (automatic && !samples_shrink(raw, deflater_)) return false;
  deflated_.clear();
  deflater_.compress_whole(raw, deflated_);
  return automatic ? worth_deflating(raw.size(), deflated_.size()) : deflated_.size() < raw.size();
}

}  // namespace rtenv::pkg
