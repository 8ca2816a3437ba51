// The order that a server sends to a job's supervisor when it starts it: what to run, and within
// which limits. Sent as one line of JSON.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sandbox.hpp"
#include "job/job_limits.hpp"
#include "job/job_log.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::job {

struct JobOrder {
  std::string id;
  std::string run;                                  // see JobFolder::run; not sent
  std::string entrypoint;                           // a shell command
  nlohmann::json runtime_env;                       // null or an object; holds secrets
  nlohmann::json metadata;                          // null or an object of strings
  std::optional<std::string> python;                // see find_interpreter
  std::optional<std::chrono::seconds> env_max_age;  // see envbuild::Renewal; nullopt: any age
  LogLimits log;
  JobLimits limits;  // the server's; a runtime_env may lower them, see effective_limits
  std::optional<SandboxPolicy> sandbox;
  /// The GPUs to run with, if the job may start as soon as it is ready; nullopt: it waits for the
  /// command `start`.
  std::optional<std::vector<int>> start;
  /// The environment variable that selects visible GPUs; empty: the job sees all of the node's.
  std::string gpu_variable;
};

nlohmann::json to_json(const JobOrder& order);
/// Fails: corrupt (a field is missing or has the wrong type).
Result<JobOrder> job_order_from_json(const nlohmann::json& value);

/// `limits`, lowered to those that the job's runtime_env requests.
JobLimits effective_limits(JobLimits limits, const runtime_env::ProcessLimits& requested);

/// "RTENV_RUN=RUN", see JobFolder::run: set in the environment of each process of the job that
/// hasn't another environment, and of no other process.
std::string job_mark(std::string_view run);

}  // namespace rtenv::job
