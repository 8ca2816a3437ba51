// Runs one submitted job: prepares what it needs, waits for resources, runs its entrypoint, writes
// its log, and reports how it ended. The supervisor is a process that outlives the server. It has
// a parent, its guardian: if either is killed, the other ends all of the job's processes. Linux
// only: both are subreapers, so orphaned processes of the job become their children.
#pragma once

#include <functional>

#include "base/environment.hpp"
#include "base/fd.hpp"

namespace rtenv::cache {
class Cache;
}

namespace rtenv::job {

struct SupervisorOptions {
  Environment node;
  /// Where it was started: relative paths of jobs begin there, and so do entrypoints of jobs
  /// without a working_dir.
  Path start_folder;
  Path cache_root;
  std::function<Result<cache::Cache>()> open_cache;
};

/// The supervisor's process: returns its exit status. `folder`: see JobFolder. `control`: the first
/// connection, whose first line is the JobOrder. `lock`: JobFolder::lock, locked. Requires: there
/// are no other threads.
int supervise(const SupervisorOptions& options, const Path& folder, Fd control, Fd lock);

}  // namespace rtenv::job
