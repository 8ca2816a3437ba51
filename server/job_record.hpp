// A job as the server stores it, and as it is described to Ray's clients.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "job/job_status.hpp"
#include "server/submission.hpp"

namespace rtenv::server {

using job::JobStatus;

/// Why a job failed, in Ray's names (2.60, JobErrorType).
namespace error_type {
inline constexpr std::string_view k_runtime_env = "RUNTIME_ENV_SETUP_FAILURE";
inline constexpr std::string_view k_entrypoint = "JOB_ENTRYPOINT_COMMAND_ERROR";
inline constexpr std::string_view k_entrypoint_start = "JOB_ENTRYPOINT_COMMAND_START_ERROR";
inline constexpr std::string_view k_unschedulable = "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE";
inline constexpr std::string_view k_supervisor_died = "JOB_SUPERVISOR_ACTOR_DIED";
inline constexpr std::string_view k_supervisor_start = "JOB_SUPERVISOR_ACTOR_START_FAILURE";
}  // namespace error_type

/// How a job is stopped. The later one hurries the earlier one.
enum class Stop : std::uint8_t {
  in_order,  // by a signal, and SIGKILL after the time that the job may choose
  at_once,   // by SIGKILL
};

/// What tells a job from all others, also from a later one with the same id.
struct JobKey {
  std::int64_t number = 0;
  std::string id;
  std::string run_id;
};

struct JobRecord {
  std::int64_t number = 0;  // in the order of submission
  /// Of this job alone, whichever server: the name of its folder. Clients choose the submission's
  /// id, and may use it again.
  std::string run_id;
  Submission submission;  // its id is set
  std::string submitter;  // see Request::caller
  JobStatus status = JobStatus::pending;
  std::string message;
  std::string error_type;        // empty: none
  std::int64_t start_ms = 0;     // Unix time of the submission, as in Ray
  std::int64_t end_ms = 0;       // 0: not yet
  std::optional<int> exit_code;  // of the entrypoint; -N if signal N ended it
  nlohmann::json usage;          // its resource usage by getrusage(2), or null
  /// The entrypoint may have started: after a reboot it must not be started again.
  bool launched = false;
  std::string boot_id;       // of the machine when `launched` was set
  std::vector<int> gpus;     // the job's from then on
  std::optional<Stop> stop;  // was requested

  [[nodiscard]] const std::string& id() const noexcept { return submission.id; }
  [[nodiscard]] JobKey key() const { return {.number = number, .id = id(), .run_id = run_id}; }
  void launch(std::string on_boot, std::vector<int> with_gpus) {
    launched = true;
    boot_id = std::move(on_boot);
    gpus = std::move(with_gpus);
  }
};

/// "Job has not started yet. It may be waiting for …", as Ray says it.
std::string pending_message(const Submission& submission);

/// How the details of a job name this server.
struct NodeNames {
  std::string node_id;        // hex
  std::string agent_address;  // http://HOST:PORT
};

/// The response to GET /api/jobs/{id}, with all of its keys. `hide_values`: replaces the values of
/// env_vars by "<redacted>".
nlohmann::json job_details(const JobRecord& job, const NodeNames& node, bool hide_values);

}  // namespace rtenv::server
