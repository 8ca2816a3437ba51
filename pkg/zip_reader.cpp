#include "pkg/zip_reader.hpp"

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "base/hash.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/zip_format.hpp"

namespace rtenv::pkg {
namespace {

using Bytes = std::vector<std::byte>;
using zip::RecordReader;

constexpr std::size_t k_piece_bytes = 1 << 18;
constexpr std::size_t k_max_link_bytes = 4096;

struct Directory {
  std::uint64_t count;
  std::uint64_t bytes;
  std::uint64_t offset;
};

// The offset of the last end record whose comment ends exactly at the end of the file.
std::optional<std::size_t> find_end(std::span<const std::byte> tail) {
  if (tail.size() < zip::k_end_bytes) return std::nullopt;
  const RecordReader reader(tail);
  for (std::size_t at = tail.size() - zip::k_end_bytes + 1; at-- > 0;)
    if (reader.u32(at) == zip::k_end && at + zip::k_end_bytes + reader.u16(at + 20) == tail.size())
      return at;
  return std::nullopt;
}

// Reads the 64-bit values that a central header moved to its zip64 extra field, in their fixed
// order. False if they are missing.
bool read_zip64(std::span<const std::byte> extra, ZipEntry& entry) {
  const bool wide_size = entry.size_bytes == zip::k_limit32;
  const bool wide_packed = entry.packed_bytes == zip::k_limit32;
  const bool wide_offset = entry.local_offset == zip::k_limit32;
  if (!wide_size && !wide_packed && !wide_offset) return true;
  const RecordReader reader(extra);
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t end = at + 4 + reader.u16(at + 2);
    if (end > extra.size()) return false;
    if (reader.u16(at) == zip::k_extra_zip64) {
      std::size_t value = at + 4;
      const auto take = [&](bool wanted, std::uint64_t& field) {
        if (!wanted) return true;
        if (value + 8 > end) return false;
        field = reader.u64(value);
        value += 8;
        return true;
      };
      return take(wide_size, entry.size_bytes) && take(wide_packed, entry.packed_bytes) &&
             take(wide_offset, entry.local_offset);
    }
    at = end;
  }
  return false;
}

}  // namespace

struct Inflater::State {
  inflate_state inflate{};
  Bytes packed = Bytes(k_piece_bytes);
  Bytes plain = Bytes(k_piece_bytes);
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;

bool ZipEntry::is_link() const { return (mode & zip::k_type_mask) == zip::k_type_link; }

Failure ZipReader::broken(std::string_view what) const {
  return fail(Errc::corrupt, "{} isn't a complete zip: {}", path_.native(), what);
}

Result<ZipReader> ZipReader::open(const Path& path) {
  RTENV_TRY(Fd fd, open_regular_file(path, O_RDONLY));
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("read", path.native());
  ZipReader reader(path, std::move(fd), static_cast<std::uint64_t>(status.st_size));
  RTENV_TRY(reader.read_directory());
  RTENV_TRY(reader.refuse_overlaps());
  return reader;
}

Result<std::string> ZipReader::sha1_hex() const {
  Sha1 sha;
  Bytes buffer(k_piece_bytes);
  for (off_t offset = 0;;) {
    RTENV_TRY(const std::size_t count, read_full_at(fd_, buffer, offset, path_.native()));
    sha.add(std::span<const std::byte>(buffer).first(count));
    if (count < buffer.size()) return to_hex(sha.finish());
    offset += static_cast<off_t>(count);
  }
}

Result<void> ZipReader::read_directory() {
  const std::uint64_t tail_bytes = std::min<std::uint64_t>(
      size_bytes_, zip::k_end_bytes + zip::k_max_comment_bytes + zip::k_end64_locator_bytes);
  Bytes tail(tail_bytes);
  const std::uint64_t tail_offset = size_bytes_ - tail_bytes;
  RTENV_TRY(const auto tail_read,
            read_full_at(fd_, tail, static_cast<off_t>(tail_offset), path_.native()));
  tail.resize(tail_read);
  const auto end = find_end(tail);
  if (!end) return broken("the end record is missing");
  const RecordReader reader(tail);
  Directory directory{reader.u16(*end + 10), reader.u32(*end + 12), reader.u32(*end + 16)};
  if (reader.u16(*end + 4) != 0 || reader.u16(*end + 6) != 0)
    return broken("it is one part of a split archive");
  if (*end >= zip::k_end64_locator_bytes &&
      reader.u32(*end - zip::k_end64_locator_bytes) == zip::k_end64_locator) {
    const std::uint64_t end64_offset = reader.u64(*end - zip::k_end64_locator_bytes + 8);
    Bytes end64(zip::k_end64_bytes);
    if (end64_offset > size_bytes_ - zip::k_end64_bytes)
      return broken("the end record points outside the file");
    RTENV_TRY(const auto count,
              read_full_at(fd_, end64, static_cast<off_t>(end64_offset), path_.native()));
    const RecordReader record(end64);
    if (count != end64.size() || record.u32(0) != zip::k_end64)
      return broken("the zip64 end record is missing");
    directory = {record.u64(32), record.u64(40), record.u64(48)};
  }
  if (directory.offset > size_bytes_ || directory.bytes > size_bytes_ - directory.offset)
    return broken("the directory is outside the file");
  if (directory.count > directory.bytes / zip::k_central_header_bytes)
    return broken("the directory is too short for its number of entries");
  directory_offset_ = directory.offset;

  Bytes data(directory.bytes);
  RTENV_TRY(const auto count,
            read_full_at(fd_, data, static_cast<off_t>(directory.offset), path_.native()));
  if (count != data.size()) return broken("the directory is truncated");
  entries_.reserve(directory.count);
  const RecordReader record(data);
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (at + zip::k_central_header_bytes > data.size() || record.u32(at) != zip::k_central_header)
      return broken("a directory entry is damaged");
    const std::size_t name_bytes = record.u16(at + 28);
    const std::size_t extra_bytes = record.u16(at + 30);
    const std::size_t comment_bytes = record.u16(at + 32);
    const std::size_t header_end = at + zip::k_central_header_bytes;
    if (header_end + name_bytes + extra_bytes + comment_bytes > data.size())
      return broken("the directory is truncated");
    ZipEntry entry;
    entry.name = as_text(std::span(data).subspan(header_end, name_bytes));
    entry.from_unix = (record.u16(at + 4) & 0xff00U) == zip::k_made_by_unix;
    entry.mode = entry.from_unix ? record.u32(at + 38) >> 16U : 0;
    entry.method = record.u16(at + 10);
    entry.crc = record.u32(at + 16);
    entry.packed_bytes = record.u32(at + 20);
    entry.size_bytes = record.u32(at + 24);
    entry.local_offset = record.u32(at + 42);
    if (!read_zip64(std::span(data).subspan(header_end + name_bytes, extra_bytes), entry))
      return broken(fmt::format("the sizes of '{}' are missing", entry.name));
    if ((record.u16(at + 8) & zip::k_flag_encrypted) != 0)
      return fail(Errc::invalid_argument, "{}: '{}' is encrypted", path_.native(), entry.name);
    if (entry.method != zip::k_method_store && entry.method != zip::k_method_deflate)
      return fail(
          Errc::invalid_argument,
          "{}: '{}' is compressed by method {}; only stored and deflated entries are supported",
          path_.native(), entry.name, entry.method);
    if (entry.method == zip::k_method_store && entry.packed_bytes != entry.size_bytes)
      return broken(fmt::format("the sizes of '{}' are inconsistent", entry.name));
    entries_.push_back(std::move(entry));
    at = header_end + name_bytes + extra_bytes + comment_bytes;
  }
  return {};
}

Result<void> ZipReader::refuse_overlaps() const {
  std::vector<const ZipEntry*> by_offset;
  by_offset.reserve(entries_.size());
  for (const ZipEntry& entry : entries_) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, &ZipEntry::local_offset);
  for (std::size_t i = 0; i < by_offset.size(); ++i) {
    const ZipEntry& entry = *by_offset[i];
    const std::uint64_t limit =
        i + 1 < by_offset.size() ? by_offset[i + 1]->local_offset : directory_offset_;
    const std::uint64_t header_bytes = zip::k_local_header_bytes + entry.name.size();
    if (limit > directory_offset_ || entry.local_offset > limit ||
        limit - entry.local_offset < header_bytes ||
        limit - entry.local_offset - header_bytes < entry.packed_bytes)
      return broken(fmt::format("the data of '{}' overlaps other data", entry.name));
  }
  return {};
}

Result<std::uint64_t> ZipReader::data_offset(const ZipEntry& entry) const {
  Bytes header(zip::k_local_header_bytes + entry.name.size());
  RTENV_TRY(const auto count,
            read_full_at(fd_, header, static_cast<off_t>(entry.local_offset), path_.native()));
  const RecordReader record(header);
  const bool same_name =
      count == header.size() && record.u32(0) == zip::k_local_header &&
      record.u16(26) == entry.name.size() &&
      as_text(std::span(header).subspan(zip::k_local_header_bytes)) == entry.name;
  if (!same_name)
    return broken(fmt::format("'{}' isn't at the offset in the directory", entry.name));
  const std::uint64_t offset = entry.local_offset + header.size() + record.u16(28);
  if (offset > directory_offset_ || directory_offset_ - offset < entry.packed_bytes)
    return broken(fmt::format("the data of '{}' is truncated", entry.name));
  return offset;
}

Result<void> ZipReader::read(const ZipEntry& entry, Inflater& inflater, const Sink& sink) const {
  RTENV_TRY(std::uint64_t offset, data_offset(entry));
  Inflater::State& state = *inflater.state_;
  inflate_state& stream = state.inflate;
  isal_inflate_init(&stream);
  std::uint64_t packed_left = entry.packed_bytes;
  std::uint64_t size_left = entry.size_bytes;
  std::uint32_t crc = 0;
  const auto deliver = [&](std::span<const std::byte> data) -> Result<void> {
    if (data.size() > size_left)
      return broken(fmt::format("'{}' is longer than its declared size", entry.name));
    size_left -= data.size();
    crc = zip::crc32(crc, data);
    return sink(data);
  };
  while (packed_left > 0) {
    const auto piece =
        std::span(state.packed).first(std::min<std::uint64_t>(packed_left, state.packed.size()));
    RTENV_TRY(const auto count,
              read_full_at(fd_, piece, static_cast<off_t>(offset), path_.native()));
    if (count != piece.size())
      return broken(fmt::format("the data of '{}' is truncated", entry.name));
    offset += count;
    packed_left -= count;
    if (entry.method == zip::k_method_store) {
      RTENV_TRY(deliver(piece));
      continue;
    }
    stream.next_in = reinterpret_cast<unsigned char*>(piece.data());
    stream.avail_in = static_cast<std::uint32_t>(piece.size());
    do {
      stream.next_out = reinterpret_cast<unsigned char*>(state.plain.data());
      stream.avail_out = static_cast<std::uint32_t>(state.plain.size());
      if (isal_inflate(&stream) < 0)
        return broken(fmt::format("the data of '{}' can't be inflated", entry.name));
      RTENV_TRY(deliver(std::span(state.plain).first(state.plain.size() - stream.avail_out)));
    } while (stream.block_state != ISAL_BLOCK_FINISH &&
             (stream.avail_in > 0 || stream.avail_out == 0));
    if (stream.block_state == ISAL_BLOCK_FINISH && (packed_left > 0 || stream.avail_in > 0))
      return broken(fmt::format("'{}' has data after the end of its deflate stream", entry.name));
  }
  const bool ended = entry.method == zip::k_method_store || entry.packed_bytes == 0 ||
                     stream.block_state == ISAL_BLOCK_FINISH;
  if (size_left != 0 || !ended)
    return broken(fmt::format("'{}' is shorter than its declared size", entry.name));
  if (crc != entry.crc) return broken(fmt::format("the checksum of '{}' is wrong", entry.name));
  return {};
}

Result<std::string> ZipReader::read_link(const ZipEntry& entry, Inflater& inflater) const {
  if (entry.size_bytes > k_max_link_bytes)
    return broken(fmt::format("the link target of '{}' is too long", entry.name));
  std::string text;
  RTENV_TRY(read(entry, inflater, [&](std::span<const std::byte> data) -> Result<void> {
    text.append(as_text(data));
    return {};
  }));
  return text;
}

}  // namespace rtenv::pkg
