#include "server/job_end.hpp"

#include "base/clock.hpp"

namespace rtenv::server {

namespace {

constexpr std::string_view k_setup_words = "Failed to set up runtime environment";

std::string setup_failure(const std::string& error) {
  // Ray puts a timeout on the same line, any other error on the next one.
  const std::string_view separator = error.starts_with("Timeout:") ? ": " : ".\n";
  return fmt::format("runtime_env setup failed: {}{}{}", k_setup_words, separator, error);
}

}  // namespace

void describe_end(JobRecord& job, const job::RunState& state,
                  const std::function<std::string()>& last_output) {
  job.exit_code = state.exit_code;
  job.usage = to_json(state.usage);
  job.end_ms = state.ended_ms != 0 ? state.ended_ms : unix_ms();
  job.error_type.clear();
  const auto fail_with = [&](std::string_view type, std::string message) {
    job.status = JobStatus::failed;
    job.error_type = type;
    job.message = std::move(message);
  };
  switch (state.outcome) {
    case job::Outcome::exited:
      if (state.exit_code.value_or(-1) == 0) {
        job.status = JobStatus::succeeded;
        job.message = "Job finished successfully.";
      } else {
        fail_with(error_type::k_entrypoint,
                  fmt::format("Job entrypoint command failed with exit code {}, last available "
                              "logs (truncated to 20,000 chars):\n{}",
                              state.exit_code.value_or(-1), last_output()));
      }
      break;
    case job::Outcome::stopped:
      job.status = JobStatus::stopped;
      job.message = "Job was intentionally stopped.";
      job.exit_code.reset();
      break;
    case job::Outcome::timed_out:
      fail_with(error_type::k_entrypoint, "Job entrypoint command was stopped: " + state.error);
      break;
    case job::Outcome::setup_failed:
      fail_with(error_type::k_runtime_env, setup_failure(state.error));
      break;
    case job::Outcome::start_failed:
      fail_with(error_type::k_entrypoint_start,
                "Job entrypoint command failed to start: " + state.error);
      break;
    case job::Outcome::not_begun:
    case job::Outcome::died:
    case job::Outcome::none:
      fail_with(error_type::k_supervisor_died,
                state.error.empty()
                    ? "The supervisor of the job was killed; its processes were ended."
                    : state.error);
      break;
  }
  if (state.lost_log_bytes > 0)
    job.message += fmt::format(" ({} bytes of its output couldn't be written to the log: {})",
                               state.lost_log_bytes, state.log_error);
}

job::RunState died(std::string why) {
  job::RunState state;
  state.phase = job::RunPhase::ended;
  state.outcome = job::Outcome::died;
  state.error = std::move(why);
  return state;
}

}  // namespace rtenv::server
