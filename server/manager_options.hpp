// How the jobs of a server are run and limited.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/environment.hpp"
#include "base/sandbox.hpp"
#include "job/job_limits.hpp"
#include "job/job_log.hpp"
#include "server/job_store.hpp"
#include "server/node_resources.hpp"

namespace rtenv::server {

struct ManagerOptions {
  Path state_dir;
  /// Another place for the jobs than jobs.db in that folder; empty: there.
  OpenJobStore open_store;
  std::string node_id;  // this and the owner: see StateFolder; set when that is opened
  std::string owner;
  /// Supervises a job when it is called with the words supervise FOLDER CONTROL_FD LOCK_FD:
  /// rtenv-supervisor or rtenv. An absolute path.
  Path supervisor_program;
  Environment environment;  // of the supervisors, and so of the jobs: at least PATH
  /// Where supervisors write their own messages, besides those in the jobs' logs; nullopt: to this
  /// process's standard error.
  std::optional<Path> supervisor_log;
  /// The soft limit of the supervisors, and so of the jobs; nullopt: as this process's.
  std::optional<std::uint64_t> open_files;
  NodeResources node;
  std::size_t max_queued = 10'000;  // waiting jobs; further submissions are refused
  /// What all unfinished jobs were submitted with; further submissions are refused.
  std::uint64_t max_submission_memory_bytes = 256 << 20;
  std::size_t max_running = 0;  // at a time; 0: no limit
  std::size_t max_setups = 16;  // of one submitter at a time
  /// A supervisor that doesn't answer for so long, while its job is to be stopped, is killed.
  std::chrono::milliseconds longest_silence = std::chrono::seconds(15);
  /// How long ended jobs and their logs are kept; nullopt: for ever.
  std::optional<std::chrono::seconds> job_ttl = std::chrono::hours(24 * 7);
  /// Beyond these, jobs that ended first are removed earlier; further submissions are refused if
  /// that isn't enough.
  std::size_t max_ended_jobs = 100'000;
  std::uint64_t max_jobs_bytes = 100ULL << 30;  // of logs and all else in their folders
  std::optional<std::string> python;            // see find_interpreter
  /// Older environments are built anew, see envbuild::Renewal; nullopt: of any age.
  std::optional<std::chrono::seconds> env_max_age;
  job::LogLimits log;
  job::JobLimits limits;  // of each job; its entrypoint_memory overrides memory_bytes
  std::optional<SandboxPolicy> sandbox;

  /// What holds a job's packages, see JobPackages.
  [[nodiscard]] std::string holder(std::string_view run_id) const {
    return fmt::format("{} {}", owner, run_id);
  }
};

}  // namespace rtenv::server
