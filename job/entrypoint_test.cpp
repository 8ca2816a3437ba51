#include "job/entrypoint.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "base/json_text.hpp"

namespace rtenv::job {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json job_config(const JobOrder& order) {
  const Environment environment = entrypoint_environment(order, {});
  return json_from_text(environment.find("RAY_JOB_CONFIG_JSON_ENV_VAR").value());
}

TEST(Entrypoint, PassesTheJobIdAndItsMetadataToRay) {
  const json config =
      job_config({.id = "job", .metadata = {{"team", "x"}}, .start = std::vector<int>()});
  EXPECT_EQ(config.at("metadata"),
            json({{"team", "x"}, {"job_submission_id", "job"}, {"job_name", "job"}}));
  EXPECT_EQ(config.at("runtime_env"), json::object());
}

TEST(Entrypoint, RemovesPreparedFieldsFromRaysRuntimeEnv) {
  const json config = job_config({.id = "job",
                                  .runtime_env = {{"working_dir", "gcs://a.zip"},
                                                  {"pip", {"six"}},
                                                  {"env_vars", {{"A", "b"}}}},
                                  .start = std::vector<int>()});
  EXPECT_EQ(config.at("runtime_env"), json({{"env_vars", {{"A", "b"}}}}));
}

TEST(Entrypoint, SetsTheGpuVariable) {
  JobOrder order{.id = "job", .start = std::vector{0, 3}, .gpu_variable = "CUDA_VISIBLE_DEVICES"};
  EXPECT_EQ(entrypoint_environment(order, {}).find("CUDA_VISIBLE_DEVICES"), "0,3");
  order.start = std::vector<int>();
  EXPECT_EQ(entrypoint_environment(order, {}).find("CUDA_VISIBLE_DEVICES"), "");
  order.gpu_variable.clear();
  EXPECT_EQ(entrypoint_environment(order, {}).find("CUDA_VISIBLE_DEVICES"), std::nullopt);
}

TEST(Entrypoint, ReadsStopSettingsFromTheEnvironment) {
  Environment environment;
  EXPECT_EQ(stop_settings(environment).signal, SIGTERM);
  EXPECT_EQ(stop_settings(environment).wait, 3s);
  environment.set("RAY_JOB_STOP_SIGNAL", "SIGINT");
  environment.set("RAY_JOB_STOP_WAIT_TIME_S", "0.25");
  EXPECT_EQ(stop_settings(environment).signal, SIGINT);
  EXPECT_EQ(stop_settings(environment).wait, 250ms);
  for (const char* invalid : {"", "soon", "-1", "1e9"}) {
    environment.set("RAY_JOB_STOP_WAIT_TIME_S", invalid);
    EXPECT_EQ(stop_settings(environment).wait, 3s) << invalid;
  }
}

}  // namespace
}  // namespace rtenv::job
