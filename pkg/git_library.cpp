#include "pkg/git_library.hpp"

namespace rtenv::pkg {
namespace {

Result<GitLibrary> load() {
  RTENV_TRY(const DynamicLibrary library, DynamicLibrary::open("libgit2.so.1.5", "libgit2-1.5"));
  GitLibrary result{};
  RTENV_TRY(library.find("git_blob_filter", result.blob_filter));
  RTENV_TRY(library.find("git_blob_free", result.blob_free));
  RTENV_TRY(library.find("git_blob_lookup", result.blob_lookup));
  RTENV_TRY(library.find("git_buf_dispose", result.buf_dispose));
  RTENV_TRY(library.find("git_config_free", result.config_free));
  RTENV_TRY(library.find("git_config_get_string", result.config_get_string));
  RTENV_TRY(library.find("git_error_last", result.error_last));
  RTENV_TRY(library.find("git_libgit2_init", result.libgit2_init));
  RTENV_TRY(library.find("git_object_free", result.object_free));
  RTENV_TRY(library.find("git_object_id", result.object_id));
  RTENV_TRY(library.find("git_object_lookup_bypath", result.object_lookup_bypath));
  RTENV_TRY(library.find("git_object_peel", result.object_peel));
  RTENV_TRY(library.find("git_odb_free", result.odb_free));
  RTENV_TRY(library.find("git_odb_object_data", result.odb_object_data));
  RTENV_TRY(library.find("git_odb_object_free", result.odb_object_free));
  RTENV_TRY(library.find("git_odb_object_size", result.odb_object_size));
  RTENV_TRY(library.find("git_odb_read", result.odb_read));
  RTENV_TRY(library.find("git_odb_read_header", result.odb_read_header));
  RTENV_TRY(library.find("git_repository_config_snapshot", result.repository_config_snapshot));
  RTENV_TRY(library.find("git_repository_free", result.repository_free));
  RTENV_TRY(library.find("git_repository_odb", result.repository_odb));
  RTENV_TRY(library.find("git_repository_open_ext", result.repository_open_ext));
  RTENV_TRY(library.find("git_repository_workdir", result.repository_workdir));
  RTENV_TRY(library.find("git_revparse_single", result.revparse_single));
  RTENV_TRY(library.find("git_tree_entry_byindex", result.tree_entry_byindex));
  RTENV_TRY(library.find("git_tree_entry_filemode", result.tree_entry_filemode));
  RTENV_TRY(library.find("git_tree_entry_id", result.tree_entry_id));
  RTENV_TRY(library.find("git_tree_entry_name", result.tree_entry_name));
  RTENV_TRY(library.find("git_tree_entrycount", result.tree_entrycount));
  RTENV_TRY(library.find("git_tree_free", result.tree_free));
  RTENV_TRY(library.find("git_tree_lookup", result.tree_lookup));
  if (result.libgit2_init() < 0) return fail(Errc::not_found, "libgit2 can't be initialised");
  return result;
}

}  // namespace

Result<const GitLibrary*> git_library() {
  static const Result<GitLibrary> loaded = load();
  if (!loaded) return Failure(loaded.error());
  return &*loaded;
}

}  // namespace rtenv::pkg
