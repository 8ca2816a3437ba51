#include "pkg/zip_records.hpp"

#include <algorithm>

#include "pkg/entry_mode.hpp"
#include "pkg/utf8.hpp"
#include "pkg/zip_format.hpp"
#include "pkg/zip_plan.hpp"

namespace rtenv::pkg {
namespace {

using zip::RecordWriter;

std::uint64_t size_in_zip(const Entry& entry) {
  return entry.type == EntryType::link ? entry.link_target.size() : entry.size_bytes;
}

bool has_descriptor(const ZipRecord& record) {
  return (record.flags & zip::k_flag_descriptor) != 0;
}

// Whether the sizes in the local header, or behind the data, have 64 bits.
bool is_wide(const ZipRecord& record) {
  const std::uint64_t size_bytes = size_in_zip(*record.entry);
  return has_descriptor(record) ? max_deflated_bytes(size_bytes) > zip::k_limit32
                                : size_bytes >= zip::k_limit32;
}

std::uint32_t external_attributes(const Entry& entry) {
  constexpr std::uint32_t k_dos_directory = 0x10;
  switch (entry.type) {
    case EntryType::directory:
      return ((zip::k_type_directory | folder_mode(entry.owner_only)) << 16U) | k_dos_directory;
    case EntryType::link: return (zip::k_type_link | 0777U) << 16U;
    default: return (zip::k_type_file | file_mode(entry.executable, entry.owner_only)) << 16U;
  }
}

}  // namespace

bool is_in_zip(const Entry& entry) {
  return entry.type == EntryType::file || entry.type == EntryType::link ||
         (entry.type == EntryType::directory && (entry.childless || entry.owner_only));
}

std::string zip_path(const Entry& entry, const std::string& top) {
  std::string path = top.empty() ? entry.path : top + '/' + entry.path;
  if (entry.type == EntryType::directory) path += '/';
  return path;
}

std::uint16_t name_flag(const std::string& path) {
  return !is_ascii(path) && is_utf8(path) ? zip::k_flag_utf8 : std::uint16_t{0};
}

void append_local_header(const ZipRecord& record, const std::string& path,
                         std::uint16_t alignment_bytes, RawBytes& out) {
  const bool known = !has_descriptor(record);
  const std::uint64_t size = known ? size_in_zip(*record.entry) : 0;
  const std::uint64_t packed = known ? record.packed_bytes : 0;
  const bool wide = is_wide(record);
  RawBytes extra_fields;
  RecordWriter extra(extra_fields);
  if (wide) extra.u16(zip::k_extra_zip64).u16(16).u64(size).u64(packed);
  if (alignment_bytes != 0) {
    constexpr std::size_t k_field_bytes = 6;
    const std::uint64_t end = record.local_offset + zip::k_local_header_bytes + path.size() +
                              extra_fields.size() + k_field_bytes;
    const auto padding_bytes =
        static_cast<std::size_t>((alignment_bytes - end % alignment_bytes) % alignment_bytes);
    extra.u16(zip::k_extra_alignment)
        .u16(static_cast<std::uint16_t>(2 + padding_bytes))
        .u16(alignment_bytes);
    extra_fields.insert(extra_fields.end(), padding_bytes, std::byte{0});
  }
  const auto narrow = [&](std::uint64_t value) {
    return wide ? zip::k_limit32 : static_cast<std::uint32_t>(value);
  };
  RecordWriter header(out);
  header.u32(zip::k_local_header).u16(wide ? zip::k_version_zip64 : zip::k_version_plain);
  header.u16(record.flags).u16(record.method).u16(zip::k_dos_time).u16(zip::k_dos_date);
  header.u32(known ? record.crc : 0).u32(narrow(packed)).u32(narrow(size));
  header.u16(static_cast<std::uint16_t>(path.size()));
  header.u16(static_cast<std::uint16_t>(extra_fields.size())).text(path);
  out.insert(out.end(), extra_fields.begin(), extra_fields.end());
}

void append_descriptor(const ZipRecord& record, RawBytes& out) {
  const std::uint64_t size_bytes = record.entry->size_bytes;
  auto descriptor = RecordWriter(out).u32(zip::k_data_descriptor).u32(record.crc);
  if (is_wide(record))
    descriptor.u64(record.packed_bytes).u64(size_bytes);
  else
    descriptor.u32(static_cast<std::uint32_t>(record.packed_bytes))
        .u32(static_cast<std::uint32_t>(size_bytes));
}

void append_central_header(const ZipRecord& record, const std::string& path, RawBytes& out) {
  const Entry& entry = *record.entry;
  const std::uint64_t size = size_in_zip(entry);
  RawBytes extra_values;
  RecordWriter extra(extra_values);
  const auto narrow = [&](std::uint64_t value) {
    if (value < zip::k_limit32) return static_cast<std::uint32_t>(value);
    extra.u64(value);
    return zip::k_limit32;
  };
  const std::uint32_t size32 = narrow(size);
  const std::uint32_t packed32 = narrow(record.packed_bytes);
  const std::uint32_t offset32 = narrow(record.local_offset);
  const std::uint16_t version =
      !extra_values.empty() || is_wide(record) ? zip::k_version_zip64 : zip::k_version_plain;
  RecordWriter header(out);
  header.u32(zip::k_central_header).u16(zip::k_made_by_unix | zip::k_version_zip64).u16(version);
  header.u16(record.flags).u16(record.method).u16(zip::k_dos_time).u16(zip::k_dos_date);
  header.u32(record.crc).u32(packed32).u32(size32);
  header.u16(static_cast<std::uint16_t>(path.size()));
  header.u16(static_cast<std::uint16_t>(extra_values.empty() ? 0 : extra_values.size() + 4));
  header.u16(0).u16(0).u16(0).u32(external_attributes(entry)).u32(offset32).text(path);
  if (extra_values.empty()) return;
  header.u16(zip::k_extra_zip64).u16(static_cast<std::uint16_t>(extra_values.size()));
  out.insert(out.end(), extra_values.begin(), extra_values.end());
}

void append_end(std::uint64_t count, std::uint64_t directory_offset, std::uint64_t directory_bytes,
                RawBytes& out) {
  RecordWriter end(out);
  if (count >= zip::k_limit16 || directory_offset >= zip::k_limit32 ||
      directory_bytes >= zip::k_limit32) {
    const std::uint64_t end64_offset = directory_offset + directory_bytes;
    end.u32(zip::k_end64)
        .u64(zip::k_end64_bytes - 12)
        .u16(zip::k_made_by_unix | zip::k_version_zip64);
    end.u16(zip::k_version_zip64)
        .u32(0)
        .u32(0)
        .u64(count)
        .u64(count)
        .u64(directory_bytes)
        .u64(directory_offset);
    end.u32(zip::k_end64_locator).u32(0).u64(end64_offset).u32(1);
  }
  const auto count16 = static_cast<std::uint16_t>(std::min<std::uint64_t>(count, zip::k_limit16));
  end.u32(zip::k_end).u16(0).u16(0).u16(count16).u16(count16);
  end.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(directory_bytes, zip::k_limit32)));
  end.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(directory_offset, zip::k_limit32)))
      .u16(0);
}

}  // namespace rtenv::pkg
