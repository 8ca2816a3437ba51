// libarchive, loaded when the first archive other than a zip is read. Each member is the function
// of that name prefixed with "archive_".
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "base/dynamic_library.hpp"

namespace rtenv::pkg {

struct ArchiveLibrary : LibraryFunctions {
  using LibraryFunctions::LibraryFunctions;
  RTENV_LIBRARY_FUNCTION(archive_, entry_filetype);
  RTENV_LIBRARY_FUNCTION(archive_, entry_hardlink);
  RTENV_LIBRARY_FUNCTION(archive_, entry_mode);
  RTENV_LIBRARY_FUNCTION(archive_, entry_pathname);
  RTENV_LIBRARY_FUNCTION(archive_, entry_symlink);
  RTENV_LIBRARY_FUNCTION(archive_, error_string);
  RTENV_LIBRARY_FUNCTION(archive_, read_append_filter);
  RTENV_LIBRARY_FUNCTION(archive_, read_data);
  RTENV_LIBRARY_FUNCTION(archive_, read_data_block);
  RTENV_LIBRARY_FUNCTION(archive_, read_free);
  RTENV_LIBRARY_FUNCTION(archive_, read_new);
  RTENV_LIBRARY_FUNCTION(archive_, read_next_header);
  RTENV_LIBRARY_FUNCTION(archive_, read_open);
  RTENV_LIBRARY_FUNCTION(archive_, read_support_format_raw);
  RTENV_LIBRARY_FUNCTION(archive_, read_support_format_tar);
};

/// Loads libarchive on the first call. Thread-safe. Fails: not_found.
Result<const ArchiveLibrary*> archive_library();

}  // namespace rtenv::pkg
