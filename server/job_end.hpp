// Describes the end of a job as Ray does (2.60), from its supervisor's last state.
#pragma once

#include <functional>
#include <string>

#include "job/run_state.hpp"
#include "server/job_record.hpp"

namespace rtenv::server {

/// Sets status, message, error type, exit code, usage and end time. `last_output`: called if the
/// message quotes it.
void describe_end(JobRecord& job, const job::RunState& state,
                  const std::function<std::string()>& last_output);

/// The state of a job whose supervisor left none. `why`: empty if the supervisor was killed.
job::RunState died(std::string why);

}  // namespace rtenv::server
