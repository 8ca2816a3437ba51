// Runs one submitted job: makes ready what it needs, waits for resources, runs its entrypoint,
// writes its log, and tells how it ended. A process of its own that outlives the server; with a
// second one, its guardian: where either is killed, the other ends all of the job's processes.
// Linux only: both are reapers of orphans, so no process of the job gets away.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/process.hpp"
#include "cache/cache.hpp"
#include "job/job_log.hpp"

namespace rtenv::job {

/// What one job may have; nothing: no limit of its own.
struct JobLimits {
  std::optional<std::uint64_t> memory_bytes;  // of each process's data (RLIMIT_DATA)
  std::optional<std::uint64_t> open_files;    // RLIMIT_NOFILE
  std::optional<std::uint64_t> processes;     // of the job, all together
};

/// What a supervisor is told when it starts.
struct JobOrder {
  std::string id;
  std::string entrypoint;
  nlohmann::json runtime_env;  // null or an object; holds secrets
  nlohmann::json metadata;
  std::optional<std::string> python;  // see find_interpreter
  LogLimits log;
  JobLimits limits;
  bool sandbox = false;
  std::optional<std::vector<int>> start;  // with these GPUs: it needn't wait for resources
  std::string gpu_variable;  // that says which GPUs it sees; empty: those that the node shows
};

nlohmann::json to_json(const JobOrder& order);
/// Requires: made by to_json.
JobOrder job_order_from_json(const nlohmann::json& value);

/// "RTENV_JOB=ID": in the environment of all that belongs to the job.
std::string job_mark(std::string_view id);

struct SupervisorOptions {
  Environment node;
  Path cache_root;
  std::function<Result<cache::Cache>()> open_cache;
};

/// What the process does; returns its exit status. `folder`: see JobFolder. `control`: its first
/// connection, the first line on it is the order. `lock`: JobFolder::lock, locked. Requires: no
/// other thread.
int supervise(const SupervisorOptions& options, const Path& folder, Fd control, Fd lock);

}  // namespace rtenv::job
