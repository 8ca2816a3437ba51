#include "job/entrypoint.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <charconv>
#include <system_error>

#include "base/json_text.hpp"

namespace rtenv::job {
namespace {

using nlohmann::json;

constexpr double k_max_stop_wait_s = 1e6;

// The settings that a driver's ray.init() reads. Without a cluster it starts a local one. The
// workers of that cluster are the driver's children, so they inherit the directory and the
// environment; they couldn't fetch the packages of this server.
json job_config(const JobOrder& order) {
  json runtime_env = order.runtime_env.is_object() ? order.runtime_env : json::object();
  for (const char* field :
       {"working_dir", "py_modules", "excludes", "uv", "pip", "py_executable", "config"})
    runtime_env.erase(field);
  json metadata = order.metadata.is_object() ? order.metadata : json::object();
  metadata["job_submission_id"] = order.id;
  if (!metadata.contains("job_name")) metadata["job_name"] = order.id;
  return {{"runtime_env", std::move(runtime_env)}, {"metadata", std::move(metadata)}};
}

}  // namespace

Environment entrypoint_environment(const JobOrder& order, Environment prepared) {
  prepared.set("RAY_JOB_CONFIG_JSON_ENV_VAR", json_text(job_config(order)));
  prepared.set("RTENV_JOB", order.id);
  prepared.set("RTENV_RUN", order.run);
  if (!order.gpu_variable.empty())
    prepared.set(order.gpu_variable, fmt::format("{}", fmt::join(*order.start, ",")));
  return prepared;
}

StopSettings stop_settings(const Environment& environment) {
  StopSettings settings{
      .signal = environment.find("RAY_JOB_STOP_SIGNAL") == "SIGINT" ? SIGINT : SIGTERM,
      .wait = k_default_stop_wait};
  if (const auto text = environment.find_filled("RAY_JOB_STOP_WAIT_TIME_S")) {
    double seconds = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), seconds);
    if (parsed.ec == std::errc() && seconds >= 0 && seconds < k_max_stop_wait_s)
      settings.wait = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }
  return settings;
}

}  // namespace rtenv::job
