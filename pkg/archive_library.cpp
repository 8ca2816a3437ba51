#include "pkg/archive_library.hpp"

namespace rtenv::pkg {
namespace {

Result<ArchiveLibrary> load() {
  RTENV_TRY(const DynamicLibrary library, DynamicLibrary::open("libarchive.so.13", "libarchive13"));
  ArchiveLibrary result{};
  RTENV_TRY(library.find("archive_entry_filetype", result.entry_filetype));
  RTENV_TRY(library.find("archive_entry_hardlink", result.entry_hardlink));
  RTENV_TRY(library.find("archive_entry_mode", result.entry_mode));
  RTENV_TRY(library.find("archive_entry_pathname", result.entry_pathname));
  RTENV_TRY(library.find("archive_entry_symlink", result.entry_symlink));
  RTENV_TRY(library.find("archive_error_string", result.error_string));
  RTENV_TRY(library.find("archive_read_data", result.read_data));
  RTENV_TRY(library.find("archive_read_free", result.read_free));
  RTENV_TRY(library.find("archive_read_new", result.read_new));
  RTENV_TRY(library.find("archive_read_next_header", result.read_next_header));
  RTENV_TRY(library.find("archive_read_open_filename", result.read_open_filename));
  RTENV_TRY(library.find("archive_read_support_filter_bzip2", result.read_support_filter_bzip2));
  RTENV_TRY(library.find("archive_read_support_filter_gzip", result.read_support_filter_gzip));
  RTENV_TRY(library.find("archive_read_support_filter_xz", result.read_support_filter_xz));
  RTENV_TRY(library.find("archive_read_support_filter_zstd", result.read_support_filter_zstd));
  RTENV_TRY(library.find("archive_read_support_format_tar", result.read_support_format_tar));
  return result;
}

}  // namespace

Result<const ArchiveLibrary*> archive_library() {
  static const Result<ArchiveLibrary> loaded = load();
  if (!loaded) return Failure(loaded.error());
  return &*loaded;
}

}  // namespace rtenv::pkg
