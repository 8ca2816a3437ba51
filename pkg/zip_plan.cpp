#include "pkg/zip_plan.hpp"

#include "pkg/compression.hpp"
#include "pkg/zip_format.hpp"
#include "pkg/zip_records.hpp"

namespace rtenv::pkg {
namespace {

// Small entries are grouped into batches, to keep the cost of scheduling low.
constexpr std::size_t k_batch_entries = 64;
constexpr std::size_t k_sample_bytes = 1 << 16;

// Whether three samples of a large file show that deflating it is worthwhile.
Result<bool> sample_shrinks(const ContentSource& source, const Entry& entry) {
  RTENV_TRY(const auto content, source.open(entry));
  Deflater deflater(Compression::automatic);
  RawBytes raw(k_sample_bytes);
  RawBytes deflated;
  for (std::uint64_t part = 0; part < 3; ++part) {
    const std::uint64_t offset = (entry.size_bytes - k_sample_bytes) / 2 * part;
    RTENV_TRY(content->read_at(offset, raw));
    deflater.compress(raw, true, deflated);
  }
  return worth_deflating(3 * raw.size(), deflated.size());
}

Result<LargeForm> form_of(const Tree& tree, const Entry& entry, Compression compression) {
  if (compression == Compression::store) return LargeForm::stored;
  // The packed size must exceed 32 bits if the header leaves room for that: Java goes by the size.
  if (entry.size_bytes <= zip::k_limit32 && max_deflated_bytes(entry.size_bytes) > zip::k_limit32)
    return LargeForm::stored_blocks;
  if (compression != Compression::automatic) return LargeForm::deflated;
  RTENV_TRY(const bool shrinks, sample_shrinks(*tree.content, entry));
  return shrinks ? LargeForm::deflated : LargeForm::stored_blocks;
}

}  // namespace

std::uint64_t max_deflated_bytes(std::uint64_t size_bytes) noexcept {
  return size_bytes / k_zip_piece_bytes * stored_blocks_bytes(k_zip_piece_bytes) +
         stored_blocks_bytes(size_bytes % k_zip_piece_bytes);
}

Result<std::shared_ptr<const OpenContent>> LargeFile::content(const ContentSource& source,
                                                              const Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (!content_) {
    RTENV_TRY(content_, source.open(entry));
  }
  return content_;
}

void LargeFile::close() {
  const std::lock_guard lock(mutex_);
  content_.reset();
}

Result<std::vector<ZipTask>> plan_zip(const Tree& tree, const ZipOptions& options) {
  std::vector<ZipTask> tasks;
  std::uint64_t batch_bytes = 0;
  for (std::size_t i = 0; i < tree.entries.size(); ++i) {
    const Entry& entry = tree.entries[i];
    if (zip_path(entry, options.top).size() >= zip::k_limit16)
      return fail(Errc::invalid_argument, "the path {}… is too long for a zip",
                  entry.path.substr(0, 100))
          .hint("exclude it or give it a path of less than 65535 bytes");
    if (entry.type == EntryType::file && entry.size_bytes > k_zip_piece_bytes) {
      RTENV_TRY(const LargeForm form, form_of(tree, entry, options.compression));
      const auto large = std::make_shared<LargeFile>(form);
      for (std::uint64_t offset = 0; offset < entry.size_bytes; offset += k_zip_piece_bytes)
        tasks.push_back({.first = i, .count = 1, .large = large, .offset = offset});
      continue;
    }
    if (tasks.empty() || tasks.back().large || tasks.back().count == k_batch_entries ||
        batch_bytes + entry.size_bytes > k_zip_piece_bytes) {
      tasks.push_back({.first = i, .count = 0});
      batch_bytes = 0;
    }
    ++tasks.back().count;
    batch_bytes += entry.size_bytes;
  }
  return tasks;
}

}  // namespace rtenv::pkg
