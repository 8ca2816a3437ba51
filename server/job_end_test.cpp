#include "server/job_end.hpp"

#include <gmock/gmock.h>

namespace rtenv::server {
namespace {

using testing::HasSubstr;

JobRecord ended(job::RunState state) {
  JobRecord job;
  state.phase = job::RunPhase::ended;
  describe_end(job, state, [] { return std::string("the last output"); });
  return job;
}

TEST(JobEndTest, UsesRaysMessages) {
  EXPECT_EQ(ended({.outcome = job::Outcome::exited, .exit_code = 0}).message,
            "Job finished successfully.");
  EXPECT_EQ(ended({.outcome = job::Outcome::stopped}).message, "Job was intentionally stopped.");
  const auto failed = ended({.outcome = job::Outcome::exited, .exit_code = -9});
  EXPECT_EQ(failed.message,
            "Job entrypoint command failed with exit code -9, last available logs (truncated to "
            "20,000 chars):\nthe last output");
  EXPECT_EQ(failed.error_type, error_type::k_entrypoint);
  EXPECT_EQ(ended(died("")).error_type, error_type::k_supervisor_died);
  EXPECT_EQ(ended({.outcome = job::Outcome::start_failed, .error = "why"}).error_type,
            error_type::k_entrypoint_start);
}

TEST(JobEndTest, PrefixesASetupFailureOnce) {
  const auto message = [](const char* error) {
    return ended({.outcome = job::Outcome::setup_failed, .error = error}).message;
  };
  EXPECT_EQ(message("no such wheel"),
            "runtime_env setup failed: Failed to set up runtime environment.\nno such wheel");
  EXPECT_EQ(message("Timeout: uv took longer than 1 s"),
            "runtime_env setup failed: Failed to set up runtime environment: Timeout: uv took "
            "longer than 1 s");
}

TEST(JobEndTest, ReportsLostOutput) {
  const auto job = ended(
      {.outcome = job::Outcome::exited, .exit_code = 0, .lost_log_bytes = 7, .log_error = "full"});
  EXPECT_EQ(job.status, JobStatus::succeeded);
  EXPECT_THAT(job.message,
              HasSubstr("(7 bytes of its output couldn't be written to the log: full)"));
}

}  // namespace
}  // namespace rtenv::server
