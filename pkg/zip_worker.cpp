#include "pkg/zip_worker.hpp"

#include <algorithm>

#include "pkg/zip_format.hpp"

namespace rtenv::pkg {

Result<PackedTask> ZipWorker::pack(const ZipTask& task) {
  RTENV_TRY(check_not_cancelled(options_.cancellation, "packing", tree_.root.native()));
  PackedTask packed{.task = task};
  if (task.large) {
    RTENV_TRY(pack_piece(packed));
    return packed;
  }
  packed.small.reserve(expected_bytes(task));
  packed.records.reserve(task.count);
  packed.contents.reserve(task.count);
  for (std::size_t i = task.first; i < task.first + task.count; ++i)
    RTENV_TRY(
        retry_if_changed(k_retries_of_file, [&] { return pack_entry(tree_.entries[i], packed); }));
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

std::size_t ZipWorker::expected_bytes(const ZipTask& task) const {
  constexpr std::size_t k_usual_header_bytes = 100;
  std::size_t bytes = task.count * k_usual_header_bytes;
  for (std::size_t i = task.first; i < task.first + task.count; ++i)
    bytes += static_cast<std::size_t>(tree_.entries[i].size_bytes);
  return bytes;
}

Result<void> ZipWorker::pack_entry(Entry& entry, PackedTask& packed) {
  if (entry.type != EntryType::file) {
    packed.contents.emplace_back();
    if (is_in_zip(entry)) append(entry, std::as_bytes(std::span(entry.link_target)), packed);
    return {};
  }
  RTENV_TRY(reader_->open_current(entry));
  if (entry.size_bytes > k_zip_piece_bytes)
    return changed_while((tree_.root / entry.path).native(), "read");
  RTENV_TRY(const auto raw, reader_->next());  // all of it: a small file is one piece
  hasher_->begin(entry.path);
  hasher_->add(raw);
  packed.contents.push_back(hasher_->finish());
  append(entry, raw, packed);
  return {};
}

void ZipWorker::append(const Entry& entry, std::span<const std::byte> raw, PackedTask& packed) {
  const bool deflated = entry.type == EntryType::file && deflate(raw);
  const auto data = deflated ? std::span<const std::byte>(deflated_) : raw;
  const std::string path = zip_path(entry, options_.top);
  packed.records.push_back({.entry = &entry,
                            .local_offset = packed.small.size(),
                            .packed_bytes = data.size(),
                            .crc = zip::crc32(0, raw),
                            .method = deflated ? zip::k_method_deflate : zip::k_method_store,
                            .flags = name_flag(path)});
  append_local_header(packed.records.back(), path, 0, packed.small);
  packed.small.insert(packed.small.end(), data.begin(), data.end());
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
