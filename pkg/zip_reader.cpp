#include "pkg/zip_reader.hpp"

#include <isa-l/igzip_lib.h>

#include <algorithm>

#include "base/shown_name.hpp"
#include "pkg/byte_text.hpp"
#include "pkg/zip_format.hpp"

namespace rtenv::pkg {
namespace {

using Bytes = std::vector<std::byte>;
using zip::RecordReader;

constexpr std::size_t k_piece_bytes = 1 << 18;
constexpr std::size_t k_max_link_bytes = 4096;

}  // namespace

struct Inflater::State {
  inflate_state inflate{};
  Bytes packed = Bytes(k_piece_bytes);
  Bytes plain = Bytes(k_piece_bytes);
};

Inflater::Inflater() : state_(std::make_unique<State>()) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;

Result<ZipReader> ZipReader::open(const Path& path, const UnpackLimits& limits) {
  RTENV_TRY(ArchiveFile file, open_archive_file(path));
  return open(std::move(file), limits, nullptr);
}

Result<ZipReader> ZipReader::open(ArchiveFile file, const UnpackLimits& limits,
                                  const Cancellation* cancellation) {
  RTENV_TRY(ZipDirectory directory, read_zip_directory(file, limits, cancellation));
  ZipReader reader(std::move(file), std::move(directory));
  RTENV_TRY(reader.refuse_overlaps());
  return reader;
}

Result<void> ZipReader::refuse_overlaps() const {
  std::vector<const ZipEntry*> by_offset;
  by_offset.reserve(entries().size());
  for (const ZipEntry& entry : entries()) by_offset.push_back(&entry);
  std::ranges::sort(by_offset, {}, &ZipEntry::local_offset);
  for (std::size_t i = 0; i < by_offset.size(); ++i) {
    const ZipEntry& entry = *by_offset[i];
    const ArchiveNumber limit =
        i + 1 < by_offset.size() ? by_offset[i + 1]->local_offset : directory_.offset;
    const ArchiveNumber header_bytes = zip::k_local_header_bytes + entry.name.size();
    if (limit > directory_.offset || entry.local_offset + header_bytes + entry.packed_bytes > limit)
      return file_.broken(
          fmt::format("the data of '{}' overlaps other data", shown_name(entry.name)));
  }
  return {};
}

Result<std::uint64_t> ZipReader::data_offset(const ZipEntry& entry) const {
  Bytes header(zip::k_local_header_bytes + entry.name.size());
  const std::uint64_t local_offset = entry.local_offset.value();
  RTENV_TRY(const auto count,
            read_full_at(file_.fd, header, static_cast<off_t>(local_offset), file_.path.native()));
  const RecordReader record(header);
  const bool same_name =
      count == header.size() && record.u32(0) == zip::k_local_header &&
      record.u16(26) == entry.name.size() &&
      as_text(std::span(header).subspan(zip::k_local_header_bytes)) == entry.name;
  if (!same_name)
    return file_.broken(
        fmt::format("'{}' isn't at the offset in the directory", shown_name(entry.name)));
  const std::uint64_t offset = local_offset + header.size() + record.u16(28);
  if (offset + entry.packed_bytes > directory_.offset)
    return file_.broken(fmt::format("the data of '{}' is truncated", shown_name(entry.name)));
  return offset;
}

Result<void> ZipReader::read(const ZipEntry& entry, Inflater& inflater, const Sink& sink) const {
  RTENV_TRY(std::uint64_t offset, data_offset(entry));
  Inflater::State& state = *inflater.state_;
  inflate_state& stream = state.inflate;
  isal_inflate_init(&stream);
  std::uint64_t packed_left = entry.packed_bytes.value();
  std::uint64_t size_left = entry.size_bytes.value();
  std::uint32_t crc = 0;
  const auto deliver = [&](std::span<const std::byte> data) -> Result<void> {
    if (data.size() > size_left)
      return file_.broken(
          fmt::format("'{}' is longer than its declared size", shown_name(entry.name)));
    size_left -= data.size();
    crc = zip::crc32(crc, data);
    return sink(data);
  };
  while (packed_left > 0) {
    const auto piece =
        std::span(state.packed).first(std::min<std::uint64_t>(packed_left, state.packed.size()));
    RTENV_TRY(const auto count,
              read_full_at(file_.fd, piece, static_cast<off_t>(offset), file_.path.native()));
    if (count != piece.size())
      return file_.broken(fmt::format("the data of '{}' is truncated", shown_name(entry.name)));
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
        return file_.broken(
            fmt::format("the data of '{}' can't be inflated", shown_name(entry.name)));
      RTENV_TRY(deliver(std::span(state.plain).first(state.plain.size() - stream.avail_out)));
    } while (stream.block_state != ISAL_BLOCK_FINISH &&
             (stream.avail_in > 0 || stream.avail_out == 0));
    if (stream.block_state == ISAL_BLOCK_FINISH && (packed_left > 0 || stream.avail_in > 0))
      return file_.broken(
          fmt::format("'{}' has data after the end of its deflate stream", shown_name(entry.name)));
  }
  const bool ended = entry.method == zip::k_method_store || entry.packed_bytes == 0 ||
                     stream.block_state == ISAL_BLOCK_FINISH;
  if (size_left != 0 || !ended)
    return file_.broken(
        fmt::format("'{}' is shorter than its declared size", shown_name(entry.name)));
  if (crc != entry.crc)
    return file_.broken(fmt::format("the checksum of '{}' is wrong", shown_name(entry.name)));
  return {};
}

Result<std::string> ZipReader::read_link(const ZipEntry& entry, Inflater& inflater) const {
  if (entry.size_bytes > k_max_link_bytes)
    return file_.broken(fmt::format("the link target of '{}' is too long", shown_name(entry.name)));
  std::string text;
  RTENV_TRY(read(entry, inflater, [&](std::span<const std::byte> data) -> Result<void> {
    text.append(as_text(data));
    return {};
  }));
  return text;
}

}  // namespace rtenv::pkg
