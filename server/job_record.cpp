#include "server/job_record.hpp"

namespace rtenv::server {
namespace {

using nlohmann::json;

json redacted(json runtime_env) {
  if (runtime_env.is_object() && runtime_env.contains("env_vars"))
    for (auto& value : runtime_env["env_vars"]) value = "<redacted>";
  return runtime_env;
}

}  // namespace

std::string pending_message(const Submission& submission) {
  std::string message = "Job has not started yet.";
  if (!submission.demand.empty())
    message +=
        " It may be waiting for resources (CPUs, GPUs, memory, custom resources) to become "
        "available.";
  if (submission.has_setup())
    message += " It may be waiting for the runtime environment to be set up.";
  return message;
}

json job_details(const JobRecord& job, const NodeNames& node, bool hide_values) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
  const bool placed = job.status != JobStatus::pending;
  return {{"type", "SUBMISSION"},
          {"job_id", nullptr},
          {"submission_id", job.id()},
          {"driver_info", nullptr},
          {"status", name(job.status)},
          {"entrypoint", job.submission.entrypoint},
          {"message", or_null(job.message)},
          {"error_type", or_null(job.error_type)},
          {"start_time", job.start_ms},
          {"end_time", job.end_ms != 0 ? json(job.end_ms) : json()},
          {"metadata", job.submission.metadata},
          {"runtime_env",
           hide_values ? redacted(job.submission.runtime_env) : job.submission.runtime_env},
          {"driver_agent_http_address", placed ? json(node.agent_address) : json()},
          {"driver_node_id", placed ? json(node.node_id) : json()},
          {"driver_exit_code", job.exit_code ? json(*job.exit_code) : json()}};
}

}  // namespace rtenv::server
