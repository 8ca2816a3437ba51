// How a job's end is told: what its supervisor said of its run, in Ray's words (2.60).
#pragma once

#include <functional>
#include <string>

#include "job/run_state.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

/// Enters status, message, error type, exit code and time. `last_output`: asked for where the
/// message quotes it.
void describe_end(JobRecord& job, const job::RunState& state,
                  const std::function<std::string()>& last_output);

/// The state of a job whose supervisor left none. `why`: empty, where it was killed.
job::RunState died(std::string why);

}  // namespace rtenv::server
