#include "job/run_state.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace rtenv::job {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> k_phases{"preparing", "ready", "running", "ended"};
constexpr std::array<std::string_view, 8> k_outcomes{
    "none", "exited", "stopped", "timed_out", "setup_failed", "start_failed", "not_begun", "died"};

template <class Enum, std::size_t Size>
Enum parse(const std::array<std::string_view, Size>& names, const std::string& text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) throw std::invalid_argument(text);
  return static_cast<Enum>(found - names.begin());
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

ResourceUsage usage_from_json(const json& value) {
  return {.user_s = value.at("user_s").get<double>(),
          .system_s = value.at("system_s").get<double>(),
          .max_rss_bytes = value.at("max_rss_bytes").get<std::int64_t>()};
}

}  // namespace

ResourceUsage usage_of(const rusage& usage) noexcept {
  return {.user_s = seconds(usage.ru_utime),
          .system_s = seconds(usage.ru_stime),
          .max_rss_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024};
}

bool has_run(const RunState& state) noexcept {
  return state.phase == RunPhase::running ||
         (state.phase == RunPhase::ended && state.outcome != Outcome::not_begun);
}

Outcome outcome_of_failed_start(const Error& error) noexcept {
  const bool may_pass = error.code() == Errc::out_of_space || error.code() == Errc::unavailable;
  return may_pass ? Outcome::not_begun : Outcome::start_failed;
}

std::string_view name(RunPhase phase) noexcept { return k_phases[static_cast<std::size_t>(phase)]; }

json to_json(const std::optional<ResourceUsage>& usage) {
  if (!usage) return {};
  return {{"user_s", usage->user_s},
          {"system_s", usage->system_s},
          {"max_rss_bytes", usage->max_rss_bytes}};
}

json to_json(const RunState& state) {
  return {{"phase", name(state.phase)},
          {"outcome", k_outcomes[static_cast<std::size_t>(state.outcome)]},
          {"run", state.run},
          {"supervisor_pid", state.supervisor_pid},
          {"entrypoint_pid", state.entrypoint_pid},
          {"entrypoint_start_ticks", state.entrypoint_start_ticks},
          {"boot_id", state.boot_id},
          {"gpus", state.gpus},
          {"running_ms", state.running_ms},
          {"ended_ms", state.ended_ms},
          {"exit_code", state.exit_code ? json(*state.exit_code) : json()},
          {"error", state.error},
          {"lost_log_bytes", state.lost_log_bytes},
          {"log_error", state.log_error},
          {"usage", to_json(state.usage)}};
}

std::optional<RunState> run_state_from_json(const json& value) {
  try {
    RunState state;
    state.phase = parse<RunPhase>(k_phases, value.at("phase").get<std::string>());
    state.outcome = parse<Outcome>(k_outcomes, value.at("outcome").get<std::string>());
    state.run = value.value("run", std::string());
    value.at("supervisor_pid").get_to(state.supervisor_pid);
    value.at("entrypoint_pid").get_to(state.entrypoint_pid);
    state.entrypoint_start_ticks = value.value("entrypoint_start_ticks", std::int64_t{0});
    value.at("boot_id").get_to(state.boot_id);
    value.at("gpus").get_to(state.gpus);
    value.at("running_ms").get_to(state.running_ms);
    value.at("ended_ms").get_to(state.ended_ms);
    if (const json& code = value.at("exit_code"); !code.is_null())
      state.exit_code = code.get<int>();
    value.at("error").get_to(state.error);
    value.at("lost_log_bytes").get_to(state.lost_log_bytes);
    value.at("log_error").get_to(state.log_error);
    if (const json& usage = value.at("usage"); !usage.is_null())
      state.usage = usage_from_json(usage);
    return state;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace rtenv::job
