#include "pkg/zip_directory.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/raw_bytes.hpp"
#include "base/shown_name.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/unpack_budget.hpp"
#include "pkg/zip_format.hpp"

namespace rtenv::pkg {
namespace {

using zip::RecordReader;

// Of all entries together: 4,000,000 names of 256 bytes.
constexpr std::uint64_t k_max_names_bytes = 1ULL << 30U;

// What the end record says, and where it is itself.
struct EndRecord {
  ArchiveNumber count;
  ArchiveNumber bytes;      // of the directory
  ArchiveNumber offset;     // of the directory, from the beginning of the zip
  std::uint64_t place = 0;  // where the directory ends, in the file
};

Result<RawBytes> read_at(const ArchiveFile& file, std::uint64_t offset, std::size_t size) {
  RawBytes data(size);
  RTENV_TRY(const auto count,
            read_full_at(file.fd, data, static_cast<off_t>(offset), file.path.native()));
  data.resize(count);
  return data;
}

// The offset of the last end record whose comment ends exactly at the end of the file.
std::optional<std::size_t> find_end(std::span<const std::byte> tail) {
  if (tail.size() < zip::k_end_bytes) return std::nullopt;
  const RecordReader reader(tail);
  for (std::size_t at = tail.size() - zip::k_end_bytes + 1; at-- > 0;)
    if (reader.u32(at) == zip::k_end && at + zip::k_end_bytes + reader.u16(at + 20) == tail.size())
      return at;
  return std::nullopt;
}

// The record is directly before its locator, which is at `locator_place` of the file. Where the
// locator says it is doesn't count: data before the zip shift that.
Result<EndRecord> read_end64(const ArchiveFile& file, std::uint64_t locator_place) {
  if (locator_place >= zip::k_end64_bytes) {
    const std::uint64_t place = locator_place - zip::k_end64_bytes;
    RTENV_TRY(const RawBytes data, read_at(file, place, zip::k_end64_bytes));
    const RecordReader record(data);
    if (data.size() == zip::k_end64_bytes && record.u32(0) == zip::k_end64)
      return EndRecord{record.u64(32), record.u64(40), record.u64(48), place};
  }
  return file.broken("the zip64 end record is missing");
}

// Nullopt if there is none.
Result<std::optional<EndRecord>> find_end_record(const ArchiveFile& file) {
  const std::size_t tail_bytes = std::min<std::uint64_t>(
      file.size_bytes, zip::k_end_bytes + zip::k_max_comment_bytes + zip::k_end64_locator_bytes);
  const std::uint64_t tail_offset = file.size_bytes - tail_bytes;
  RTENV_TRY(const RawBytes tail, read_at(file, tail_offset, tail_bytes));
  const auto end = find_end(tail);
  if (!end) return std::optional<EndRecord>();
  // Other readers go by the last signature, and would see other entries.
  for (std::size_t at = *end + 1; at + sizeof zip::k_end <= tail.size(); ++at)
    if (RecordReader(tail).u32(at) == zip::k_end)
      return file.broken("its comment has a second end record");
  const RecordReader reader{std::span(tail).subspan(*end)};
  if (reader.u16(4) != 0 || reader.u16(6) != 0)
    return file.broken("it is one part of a split archive");
  if (*end >= zip::k_end64_locator_bytes) {
    const std::size_t at = *end - zip::k_end64_locator_bytes;
    if (RecordReader(tail).u32(at) == zip::k_end64_locator) {
      RTENV_TRY(const EndRecord record, read_end64(file, tail_offset + at));
      return std::optional(record);
    }
  }
  return std::optional(
      EndRecord{reader.u16(10), reader.u32(12), reader.u32(16), tail_offset + *end});
}

// Reads the 64-bit values that a central header moved to its zip64 extra field, in their fixed
// order. False if they are missing.
bool read_zip64(std::span<const std::byte> extra, ZipEntry& entry) {
  const std::array<ArchiveNumber*, 3> numbers{&entry.size_bytes, &entry.packed_bytes,
                                              &entry.local_offset};
  const auto is_wide = [](const ArchiveNumber* number) { return *number == zip::k_limit32; };
  if (std::ranges::none_of(numbers, is_wide)) return true;
  const RecordReader reader(extra);
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t end = at + 4 + reader.u16(at + 2);
    if (end > extra.size()) return false;
    if (reader.u16(at) != zip::k_extra_zip64) {
      at = end;
      continue;
    }
    std::size_t value = at + 4;
    for (ArchiveNumber* number : numbers) {
      if (!is_wide(number)) continue;
      if (value + 8 > end) return false;
      *number = reader.u64(value);
      value += 8;
    }
    return true;
  }
  return false;
}

// The directory of a file, in pieces.
class DirectoryReader {
 public:
  DirectoryReader(const ArchiveFile& file, std::uint64_t offset, std::uint64_t bytes)
      : file_(file), offset_(offset), left_bytes_(bytes) {}

  /// The next bytes, valid until the next call. Fails: corrupt (there are fewer).
  Result<std::span<const std::byte>> take(std::size_t count) {
    if (count > buffer_.size() - at_) RTENV_TRY(refill(count));
    if (count > buffer_.size() - at_) return file_.broken("the directory is truncated");
    at_ += count;
    return std::span<const std::byte>(buffer_).subspan(at_ - count, count);
  }
  [[nodiscard]] bool is_at_end() const { return left_bytes_ == 0 && at_ == buffer_.size(); }

 private:
  static constexpr std::size_t k_buffer_bytes = 1 << 18;

  Result<void> refill(std::size_t wanted) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    const auto more = static_cast<std::size_t>(
        std::min<std::uint64_t>(left_bytes_, std::max(wanted, k_buffer_bytes)));
    RTENV_TRY(const RawBytes data, read_at(file_, offset_, more));
    buffer_.insert(buffer_.end(), data.begin(), data.end());
    offset_ += data.size();
    left_bytes_ -= data.size();
    return {};
  }

  const ArchiveFile& file_;
  std::uint64_t offset_;
  std::uint64_t left_bytes_;
  RawBytes buffer_;
  std::size_t at_ = 0;
};

Result<void> check(const ArchiveFile& file, const ZipEntry& entry, std::uint16_t flags) {
  if ((flags & zip::k_flag_encrypted) != 0)
    return fail(Errc::invalid_argument, "{}: '{}' is encrypted", file.path.native(),
                shown_name(entry.name));
  if (entry.method != zip::k_method_store && entry.method != zip::k_method_deflate)
    return fail(
        Errc::invalid_argument,
        "{}: '{}' is compressed by method {}; only stored and deflated entries are supported",
        file.path.native(), shown_name(entry.name), entry.method);
  if (entry.method == zip::k_method_store && entry.packed_bytes != entry.size_bytes)
    return file.broken(fmt::format("the sizes of '{}' are inconsistent", shown_name(entry.name)));
  return {};
}

Result<ZipEntry> read_entry(const ArchiveFile& file, DirectoryReader& directory) {
  RTENV_TRY(const auto header, directory.take(zip::k_central_header_bytes));
  const RecordReader record(header);
  if (record.u32(0) != zip::k_central_header) return file.broken("a directory entry is damaged");
  ZipEntry entry;
  entry.from_unix = (record.u16(4) & 0xff00U) == zip::k_made_by_unix;
  entry.mode = entry.from_unix ? record.u32(38) >> 16U : 0;
  entry.method = record.u16(10);
  entry.crc = record.u32(16);
  entry.packed_bytes = record.u32(20);
  entry.size_bytes = record.u32(24);
  entry.local_offset = record.u32(42);
  const std::uint16_t flags = record.u16(8);
  const std::size_t name_bytes = record.u16(28);
  const std::size_t extra_bytes = record.u16(30);
  const std::size_t comment_bytes = record.u16(32);
  RTENV_TRY(const auto rest, directory.take(name_bytes + extra_bytes + comment_bytes));
  entry.name = as_text(rest.first(name_bytes));
  if (!read_zip64(rest.subspan(name_bytes, extra_bytes), entry))
    return file.broken(fmt::format("the sizes of '{}' are missing", shown_name(entry.name)));
  RTENV_TRY(check(file, entry, flags));
  return entry;
}

}  // namespace

bool ZipEntry::is_link() const { return (mode & zip::k_type_mask) == zip::k_type_link; }

Result<bool> has_zip_directory(const ArchiveFile& file) {
  const auto end = find_end_record(file);
  if (!end) return end.error().code() == Errc::corrupt ? true : Result<bool>(Failure(end.error()));
  if (!*end || (**end).bytes > (**end).place) return false;
  if ((**end).bytes == 0) return true;
  RTENV_TRY(const RawBytes begin, read_at(file, (**end).place - (**end).bytes.value(), 4));
  return begin.size() == 4 && RecordReader(begin).u32(0) == zip::k_central_header;
}

Result<ZipDirectory> read_zip_directory(const ArchiveFile& file, const UnpackLimits& limits,
                                        const Cancellation* cancellation) {
  RTENV_TRY(const auto found, find_end_record(file));
  if (!found) return file.broken("the end record is missing");
  const EndRecord& end = *found;
  if (end.offset + end.bytes > end.place) return file.broken("the directory is outside the file");
  if (end.count > end.bytes.value() / zip::k_central_header_bytes)
    return file.broken("the directory is too short for its number of entries");
  if (end.count > limits.max_entries) return too_many_entries(limits);
  ZipDirectory directory{.entries = {}, .offset = end.place - end.bytes.value()};
  directory.entries.reserve(end.count.value());
  const std::uint64_t prefix_bytes = directory.offset - end.offset.value();
  DirectoryReader reader(file, directory.offset, end.bytes.value());
  ArchiveNumber names_bytes;
  for (std::uint64_t i = 0; i < end.count.value(); ++i) {
    RTENV_TRY(check_not_cancelled(cancellation, "reading", file.path.native()));
    RTENV_TRY(ZipEntry entry, read_entry(file, reader));
    entry.local_offset = entry.local_offset + prefix_bytes;
    names_bytes = names_bytes + entry.name.size();
    if (names_bytes > k_max_names_bytes)
      return fail(Errc::invalid_argument,
                  "{} is refused: the names of its entries have more than {} bytes",
                  file.path.native(), k_max_names_bytes);
    directory.entries.push_back(std::move(entry));
  }
  if (!reader.is_at_end()) return file.broken("the directory has more than its entries");
  return directory;
}

}  // namespace rtenv::pkg
