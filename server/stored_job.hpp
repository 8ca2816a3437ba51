// For tests of stores: a job with all kinds of fields.
#pragma once

#include "server/job_record.hpp"

namespace rtenv::server {

inline JobRecord stored_job(const std::string& id) {
  JobRecord job;
  job.submission = {.id = id,
                    .entrypoint = "echo 'ü'",
                    .runtime_env = {{"env_vars", {{"A", "1"}}}},
                    .metadata = nullptr,
                    .demand = {.cpus = 0.5, .gpus = 2, .names_gpus = true}};
  job.start_ms = 5;
  job.run_id = "run of " + id;
  return job;
}

}  // namespace rtenv::server
