// libgit2, loaded when the first commit is packed. Each member is the function of that name with
// "git_" before it.
#pragma once

#include <git2.h>

#include <memory>

#include "base/dynamic_library.hpp"

namespace rtenv::pkg {

struct GitLibrary {
  decltype(&git_blob_filter) blob_filter;
  decltype(&git_blob_free) blob_free;
  decltype(&git_blob_lookup) blob_lookup;
  decltype(&git_buf_dispose) buf_dispose;
  decltype(&git_config_free) config_free;
  decltype(&git_config_get_string) config_get_string;
  decltype(&git_error_last) error_last;
  decltype(&git_libgit2_init) libgit2_init;
  decltype(&git_object_free) object_free;
  decltype(&git_object_id) object_id;
  decltype(&git_object_lookup_bypath) object_lookup_bypath;
  decltype(&git_object_peel) object_peel;
  decltype(&git_odb_free) odb_free;
  decltype(&git_odb_object_data) odb_object_data;
  decltype(&git_odb_object_free) odb_object_free;
  decltype(&git_odb_object_size) odb_object_size;
  decltype(&git_odb_read) odb_read;
  decltype(&git_odb_read_header) odb_read_header;
  decltype(&git_repository_config_snapshot) repository_config_snapshot;
  decltype(&git_repository_free) repository_free;
  decltype(&git_repository_odb) repository_odb;
  decltype(&git_repository_open_ext) repository_open_ext;
  decltype(&git_repository_workdir) repository_workdir;
  decltype(&git_revparse_single) revparse_single;
  decltype(&git_tree_entry_byindex) tree_entry_byindex;
  decltype(&git_tree_entry_filemode) tree_entry_filemode;
  decltype(&git_tree_entry_id) tree_entry_id;
  decltype(&git_tree_entry_name) tree_entry_name;
  decltype(&git_tree_entrycount) tree_entrycount;
  decltype(&git_tree_free) tree_free;
  decltype(&git_tree_lookup) tree_lookup;
};

/// Loads and initialises libgit2 the first time. Thread-safe. Fails: not_found.
Result<const GitLibrary*> git_library();

/// An object of libgit2's, freed with its owner.
template <class Object>
using GitOwned = std::unique_ptr<Object, void (*)(Object*)>;

}  // namespace rtenv::pkg
