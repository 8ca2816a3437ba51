// libarchive, loaded when the first archive other than a zip is read. Each member is the function
// of that name with "archive_" before it.
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/dynamic_library.hpp"

namespace rtenv::pkg {

struct ArchiveLibrary {
  decltype(&archive_entry_filetype) entry_filetype;
  decltype(&archive_entry_hardlink) entry_hardlink;
  decltype(&archive_entry_mode) entry_mode;
  decltype(&archive_entry_pathname) entry_pathname;
  decltype(&archive_entry_symlink) entry_symlink;
  decltype(&archive_error_string) error_string;
  decltype(&archive_read_data) read_data;
  decltype(&archive_read_free) read_free;
  decltype(&archive_read_new) read_new;
  decltype(&archive_read_next_header) read_next_header;
  decltype(&archive_read_open_filename) read_open_filename;
  decltype(&archive_read_support_filter_bzip2) read_support_filter_bzip2;
  decltype(&archive_read_support_filter_gzip) read_support_filter_gzip;
  decltype(&archive_read_support_filter_xz) read_support_filter_xz;
  decltype(&archive_read_support_filter_zstd) read_support_filter_zstd;
  decltype(&archive_read_support_format_tar) read_support_format_tar;
};

/// Loads libarchive the first time. Thread-safe. Fails: not_found.
Result<const ArchiveLibrary*> archive_library();

}  // namespace rtenv::pkg
