// The files that libgit2 opens by itself: nothing can interrupt it while it waits for a pipe.
//
// Not covered: what is put there while libgit2 reads.
#pragma once

#include "pkg/git_program.hpp"
#include "pkg/work_tree.hpp"

namespace rtenv::pkg {

/// Checks that libgit2 can open the repository without waiting. git, which can be interrupted,
/// reads before what the configuration includes. Fails: corrupt (a pipe or device in the
/// repository; git refuses it), not_found (it includes other files, and git isn't installed),
/// unavailable (out of memory or descriptors), cancelled; as read_file.
Result<void> check_repository_files(const RepositoryPlace& place, const GitProgram& program);

/// Fails: corrupt (a pipe or device).
Result<void> check_openable(const Path& path);

}  // namespace rtenv::pkg
