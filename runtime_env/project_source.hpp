// What counts of a project's folder, and what its build sees: the same files.
//
// Left out are what building and running leave behind: compiled code, virtualenvs, caches of tools,
// setuptools' build/, which may be older than the source, wheels and archives in dist/, and
// *.egg-info unless the folder is an unpacked source distribution, which has it on purpose. Of
// a repository, the commit and the tags count, which builds ask for the version; git's own files
// change with every fetch. The build sees the repository all the same.
#pragma once

#include "base/fd.hpp"

namespace rtenv {
class Cancellation;
}

namespace rtenv::runtime_env {

/// Refuses a project whose pyproject.toml requires a local file or folder by an absolute path, also
/// for its build: the content isn't part of the project. Fails: invalid_argument.
Result<void> check_requires_no_local_files(const Path& folder);

/// One line, without the folder's name: a copy in another folder is the same project. Fails: as
/// pkg::name_directory.
Result<std::string> project_content(const Path& folder);

/// Copies what counts, with the times of the files, and the repository. Fails: as pkg::copy_tree
/// and clone_tree.
Result<void> copy_project(const Path& folder, const Path& target, const Cancellation* cancellation);

}  // namespace rtenv::runtime_env
