// Finds and reads the directory of a zip, which is at the end of its file. Trusts nothing: every
// offset, length and flag is checked before it is used, and memory is bounded by the limit of
// entries, not by what the file says. Format: see pkg/zip_format.hpp.
#pragma once

#include <string>
#include <vector>

#include "pkg/archive_file.hpp"
#include "pkg/archive_number.hpp"
#include "pkg/unpack.hpp"

namespace rtenv::pkg {

struct ZipEntry {
  std::string name;        // the raw bytes; a directory's name ends with '/'
  std::uint32_t mode = 0;  // Unix type and permission bits; 0 if the archive has none
  bool from_unix = false;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  ArchiveNumber packed_bytes;
  ArchiveNumber size_bytes;
  ArchiveNumber local_offset;  // in the file

  [[nodiscard]] bool is_directory() const { return name.ends_with('/'); }
  [[nodiscard]] bool is_link() const;
};

struct ZipDirectory {
  std::vector<ZipEntry> entries;
  std::uint64_t offset = 0;  // in the file; the data of all entries are before it
};

/// Whether the file ends with the directory of a zip. It may begin with something else, as pex
/// files and Python's zipapps do. Fails: as read(2).
Result<bool> has_zip_directory(const ArchiveFile& file);

/// Fails: corrupt (not a zip, or a damaged one), invalid_argument (an encrypted entry, an
/// unsupported method, too many entries).
Result<ZipDirectory> read_zip_directory(const ArchiveFile& file, const UnpackLimits& limits,
                                        const Cancellation* cancellation);

}  // namespace rtenv::pkg
