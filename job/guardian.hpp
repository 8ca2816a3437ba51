// The guardian: the parent of a supervisor, which only outlives it. If the supervisor is killed,
// the job's processes become children of the guardian; it ends them and records the end.
#pragma once

#include <sys/types.h>

#include "base/fd.hpp"
#include "base/signal_fd.hpp"
#include "job/job_folder.hpp"

namespace rtenv::job {

/// Waits for the supervisor, a child of this process; returns the guardian's exit status. `control`
/// stays open until then, so that a server sees the connection close only once all processes have
/// ended. Requires: this process is a subreaper; `signals` includes SIGCHLD and SIGTERM.
int guard(pid_t supervisor, const JobFolder& folder, Fd control, const SignalFd& signals);

}  // namespace rtenv::job
