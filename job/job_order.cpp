#include "job/job_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace rtenv::job {

using nlohmann::json;

namespace {

template <class Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json();
}

template <class Value>
void read_or_null(const json& object, const char* name, std::optional<Value>& value) {
  if (const json& found = object.at(name); !found.is_null()) value = found.get<Value>();
}

json to_json(const SandboxPolicy& policy) {
  const auto list = [](const std::vector<Path>& paths) {
    json texts = json::array();
    for (const Path& path : paths) texts.push_back(path.native());
    return texts;
  };
  return {{"readable", list(policy.readable)},
          {"hidden", list(policy.hidden)},
          {"network", policy.has_network}};
}

SandboxPolicy sandbox_from_json(const json& value) {
  SandboxPolicy policy{.has_network = value.at("network").get<bool>()};
  for (const json& path : value.at("readable"))
    policy.readable.emplace_back(path.get<std::string>());
  for (const json& path : value.at("hidden")) policy.hidden.emplace_back(path.get<std::string>());
  return policy;
}

}  // namespace

json to_json(const JobOrder& order) {
  return {{"id", order.id},
          {"entrypoint", order.entrypoint},
          {"runtime_env", order.runtime_env},
          {"metadata", order.metadata},
          {"python", or_null(order.python)},
          {"env_max_age_s", order.env_max_age ? json(order.env_max_age->count()) : json()},
          {"log_max_bytes", order.log.max_bytes},
          {"memory_bytes", or_null(order.limits.memory_bytes)},
          {"open_files", or_null(order.limits.open_files)},
          {"processes", or_null(order.limits.processes)},
          {"run_time_s", or_null(order.limits.run_time_s)},
          {"sandbox", order.sandbox ? to_json(*order.sandbox) : json()},
          {"start", or_null(order.start)},
          {"gpu_variable", order.gpu_variable}};
}

Result<JobOrder> job_order_from_json(const json& value) {
  try {
    JobOrder order;
    value.at("id").get_to(order.id);
    value.at("entrypoint").get_to(order.entrypoint);
    order.runtime_env = value.at("runtime_env");
    order.metadata = value.at("metadata");
    read_or_null(value, "python", order.python);
    if (const json& age = value.at("env_max_age_s"); !age.is_null())
      order.env_max_age = std::chrono::seconds(age.get<std::int64_t>());
    value.at("log_max_bytes").get_to(order.log.max_bytes);
    read_or_null(value, "memory_bytes", order.limits.memory_bytes);
    read_or_null(value, "open_files", order.limits.open_files);
    read_or_null(value, "processes", order.limits.processes);
    read_or_null(value, "run_time_s", order.limits.run_time_s);
    if (const json& sandbox = value.at("sandbox"); !sandbox.is_null())
      order.sandbox = sandbox_from_json(sandbox);
    read_or_null(value, "start", order.start);
    value.at("gpu_variable").get_to(order.gpu_variable);
    return order;
  } catch (const json::exception& error) {
    return fail(Errc::corrupt, "the job order is invalid: {}", error.what());
  }
}

JobLimits effective_limits(JobLimits limits, const runtime_env::ProcessLimits& requested) {
  const auto lower = [](std::optional<std::uint64_t>& limit, std::optional<std::uint64_t> to) {
    if (to) limit = std::min(limit.value_or(*to), *to);
  };
  lower(limits.processes, requested.max_processes);
  lower(limits.open_files, requested.max_open_files);
  lower(limits.run_time_s, requested.run_timeout_s);
  return limits;
}

std::string job_mark(std::string_view run) { return fmt::format("RTENV_RUN={}", run); }

}  // namespace rtenv::job
