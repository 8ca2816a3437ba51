// The second process of a supervisor: does nothing but outlive it. Where the supervisor is killed,
// its job's processes come to the guardian, which ends them and says so.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include "base/fd.hpp"

namespace rtenv::job {

/// Waits for the supervisor, a child of this process; returns the exit status of the guardian.
/// `control` is kept open until then, so that a server hears the end once, when all is over.
/// Requires: this process is a reaper, `taken` is blocked.
int guard(pid_t supervisor, const Path& job_folder, Fd control, const sigset_t& taken);

}  // namespace rtenv::job
