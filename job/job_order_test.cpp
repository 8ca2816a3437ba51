#include "job/job_order.hpp"

#include "support/result_matchers.hpp"

namespace rtenv::job {
namespace {

using nlohmann::json;

TEST(JobOrder, SurvivesARoundTripThroughJson) {
  const JobOrder order{
      .id = "job",
      .entrypoint = "echo hi",
      .runtime_env = {{"env_vars", {{"A", "b"}}}},
      .metadata = {{"team", "x"}},
      .python = "3.11",
      .env_max_age = std::chrono::hours(12),
      .log = {.max_bytes = 1 << 21},
      .limits = {.memory_bytes = 1, .open_files = 2, .processes = 3, .run_time_s = 4},
      .sandbox = SandboxPolicy{.readable = {"/data"}, .hidden = {"/key"}, .has_network = false},
      .start = std::vector{0, 2},
      .gpu_variable = "CUDA_VISIBLE_DEVICES"};
  const JobOrder read = must(job_order_from_json(to_json(order)));
  EXPECT_EQ(to_json(read), to_json(order));
  EXPECT_EQ(read.python, "3.11");
  EXPECT_EQ(read.env_max_age, std::chrono::hours(12));
  EXPECT_EQ(read.start, (std::vector{0, 2}));
  EXPECT_EQ(read.limits.processes, 3U);
  EXPECT_EQ(read.limits.run_time_s, 4U);
}

TEST(JobOrder, KeepsOptionalFieldsUnset) {
  const JobOrder read = must(job_order_from_json(to_json(JobOrder{.id = "job"})));
  EXPECT_FALSE(read.python.has_value());
  EXPECT_FALSE(read.start.has_value()) << "not the same as a start without GPUs";
  EXPECT_FALSE(read.limits.memory_bytes.has_value());
  EXPECT_TRUE(must(job_order_from_json(to_json(JobOrder{.start = std::vector<int>()}))).start);
}

TEST(JobOrder, RejectsMissingAndMistypedFields) {
  json missing = to_json(JobOrder{.id = "job"});
  missing.erase("entrypoint");
  EXPECT_THAT(job_order_from_json(missing), IsError(Errc::corrupt, "entrypoint"));
  json mistyped = to_json(JobOrder{.id = "job"});
  mistyped["start"] = "now";
  EXPECT_THAT(job_order_from_json(mistyped), IsError(Errc::corrupt));
  EXPECT_THAT(job_order_from_json(json(json::value_t::discarded)), IsError(Errc::corrupt));
}

TEST(JobOrder, RuntimeEnvCanOnlyLowerLimits) {
  const JobLimits limits = effective_limits({.memory_bytes = 7, .open_files = 30},
                                            {.max_processes = 50, .max_open_files = 100});
  EXPECT_EQ(limits.processes, 50U);
  EXPECT_EQ(limits.open_files, 30U);
  EXPECT_EQ(limits.memory_bytes, 7U);
  EXPECT_EQ(effective_limits({}, {}).processes, std::nullopt);
}

TEST(JobOrder, MarksProcessesWithTheRun) { EXPECT_EQ(job_mark("1f"), "RTENV_RUN=1f"); }

}  // namespace
}  // namespace rtenv::job
