// libgit2, loaded when a repository is first read. Each member is the function of that name
// prefixed with "git_".
#pragma once

#include <git2.h>
#include <git2/sys/repository.h>

#include "base/dynamic_library.hpp"

namespace rtenv::pkg {

struct GitLibrary : LibraryFunctions {
  using LibraryFunctions::LibraryFunctions;
  RTENV_LIBRARY_FUNCTION(git_, blob_filter);
  RTENV_LIBRARY_FUNCTION(git_, blob_free);
  RTENV_LIBRARY_FUNCTION(git_, blob_lookup);
  RTENV_LIBRARY_FUNCTION(git_, buf_dispose);
  RTENV_LIBRARY_FUNCTION(git_, config_foreach);
  RTENV_LIBRARY_FUNCTION(git_, config_free);
  RTENV_LIBRARY_FUNCTION(git_, config_get_bool);
  RTENV_LIBRARY_FUNCTION(git_, config_get_string);
  RTENV_LIBRARY_FUNCTION(git_, config_parse_path);
  RTENV_LIBRARY_FUNCTION(git_, error_last);
  RTENV_LIBRARY_FUNCTION(git_, index_entrycount);
  RTENV_LIBRARY_FUNCTION(git_, index_free);
  RTENV_LIBRARY_FUNCTION(git_, index_get_byindex);
  RTENV_LIBRARY_FUNCTION(git_, index_new);
  RTENV_LIBRARY_FUNCTION(git_, libgit2_init);
  RTENV_LIBRARY_FUNCTION(git_, libgit2_opts);
  RTENV_LIBRARY_FUNCTION(git_, object_free);
  RTENV_LIBRARY_FUNCTION(git_, object_id);
  RTENV_LIBRARY_FUNCTION(git_, object_lookup_bypath);
  RTENV_LIBRARY_FUNCTION(git_, object_peel);
  RTENV_LIBRARY_FUNCTION(git_, odb_free);
  RTENV_LIBRARY_FUNCTION(git_, odb_object_data);
  RTENV_LIBRARY_FUNCTION(git_, odb_object_free);
  RTENV_LIBRARY_FUNCTION(git_, odb_object_size);
  RTENV_LIBRARY_FUNCTION(git_, odb_read);
  RTENV_LIBRARY_FUNCTION(git_, odb_read_header);
  RTENV_LIBRARY_FUNCTION(git_, reference_name_to_id);
  RTENV_LIBRARY_FUNCTION(git_, repository_commondir);
  RTENV_LIBRARY_FUNCTION(git_, repository_config_snapshot);
  RTENV_LIBRARY_FUNCTION(git_, repository_free);
  RTENV_LIBRARY_FUNCTION(git_, repository_index);
  RTENV_LIBRARY_FUNCTION(git_, repository_odb);
  RTENV_LIBRARY_FUNCTION(git_, repository_open_ext);
  RTENV_LIBRARY_FUNCTION(git_, repository_path);
  RTENV_LIBRARY_FUNCTION(git_, repository_set_index);
  RTENV_LIBRARY_FUNCTION(git_, repository_workdir);
  RTENV_LIBRARY_FUNCTION(git_, revparse_single);
  RTENV_LIBRARY_FUNCTION(git_, tag_foreach);
  RTENV_LIBRARY_FUNCTION(git_, tree_entry_byindex);
  RTENV_LIBRARY_FUNCTION(git_, tree_entry_filemode);
  RTENV_LIBRARY_FUNCTION(git_, tree_entry_id);
  RTENV_LIBRARY_FUNCTION(git_, tree_entry_name);
  RTENV_LIBRARY_FUNCTION(git_, tree_entrycount);
  RTENV_LIBRARY_FUNCTION(git_, tree_free);
  RTENV_LIBRARY_FUNCTION(git_, tree_lookup);
};

/// Loads and initializes libgit2 on the first call. Thread-safe. Fails: not_found,
/// unavailable (out of memory or descriptors).
Result<const GitLibrary*> git_library();

}  // namespace rtenv::pkg
