// Ends the supervisor of a job, and its guardian, from outside: for one that doesn't do what it is
// told. These functions may block; call them on a worker's thread.
#pragma once

#include "job/job_folder.hpp"

namespace rtenv::server {

/// Whether a connection has something to read, or is closed.
bool is_readable(const Fd& connection) noexcept;

/// Kills the supervisor of a job's folder. Its guardian then ends the job's processes, and is
/// continued for that if it was stopped. Doesn't wait.
void kill_supervisor(const job::JobFolder& folder);

/// Kills the supervisor, its guardian and the job's processes. Waits for these for some seconds.
/// What waits in the kernel ends later.
void kill_all_of_job(const job::JobFolder& folder);

}  // namespace rtenv::server
