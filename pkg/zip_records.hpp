// The records of a zip: the headers of an entry, its data descriptor, and the end of the file. Each
// function appends to a buffer.
#pragma once

#include <cstdint>
#include <string>

#include "base/raw_bytes.hpp"
#include "pkg/tree.hpp"

namespace rtenv::pkg {

/// The data of an entry's central header.
struct ZipRecord {
  const Entry* entry;
  std::uint64_t local_offset;
  std::uint64_t packed_bytes = 0;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
};

/// Files, links, and directories that are private or have nothing below them in the package.
bool is_in_zip(const Entry& entry);

/// The entry's name in the zip, below the folder `top` unless that is empty.
std::string zip_path(const Entry& entry, const std::string& top);

/// The flag for a UTF-8 name; 0 for a name that is ASCII or isn't UTF-8.
std::uint16_t name_flag(const std::string& path);

/// The local header. If the record has the flag for it, CRC and sizes are 0 and follow the data in
/// a descriptor. The data begin at a multiple of `alignment_bytes`, unless that is 0.
void append_local_header(const ZipRecord& record, const std::string& path,
                         std::uint16_t alignment_bytes, RawBytes& out);
void append_descriptor(const ZipRecord& record, RawBytes& out);

void append_central_header(const ZipRecord& record, const std::string& path, RawBytes& out);

/// The end of a zip whose central directory has `count` entries and has just been written.
void append_end(std::uint64_t count, std::uint64_t directory_offset, std::uint64_t directory_bytes,
                RawBytes& out);

}  // namespace rtenv::pkg
