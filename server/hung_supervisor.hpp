// Ends the supervisor of a job, and its guardian, from outside: for one that doesn't do what it is
// told. These functions may block; call them on a worker's thread.
#pragma once

#include <chrono>

#include "job/job_folder.hpp"

namespace rtenv::server {

/// Whether a connection has something to read, or is closed.
bool is_readable(const Fd& connection) noexcept;

/// Kills the supervisor of a job's folder. Its guardian then ends the job's processes, and is
/// continued for that if it was stopped. Doesn't wait.
void kill_supervisor(const job::JobFolder& folder);

/// Kills the processes of a job that has neither a supervisor nor a guardian. Returns whether they
/// have ended within the time limit.
bool kill_processes(const job::JobFolder& folder, std::chrono::milliseconds time_limit);

/// Kills the supervisor, its guardian and the job's processes. Waits for these for some seconds.
void kill_all_of_job(const job::JobFolder& folder);

}  // namespace rtenv::server
