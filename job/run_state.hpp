// The progress of a job's run, as its supervisor reports it: over its control socket, and in the
// file `state` for a server that starts later.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace rtenv::job {

enum class RunPhase : std::uint8_t {
  preparing,  // its directory and environment are being prepared
  ready,      // waits for resources
  running,    // written before the entrypoint starts; in earlier phases no part of it has run
  ended,
};

enum class Outcome : std::uint8_t {
  none,          // not ended yet
  exited,        // the entrypoint ended by itself
  stopped,       // on request
  timed_out,     // it ran longer than it may
  setup_failed,  // its directory or environment couldn't be prepared
  start_failed,  // the entrypoint couldn't be started
  not_begun,     // nothing of it has run, because of something that may pass: no space, no process
  died,          // the supervisor or its guardian was killed, and so the job's processes were ended
};

/// Resource usage of the entrypoint and its reaped children, from getrusage(2).
struct ResourceUsage {
  double user_s = 0;
  double system_s = 0;
  std::int64_t max_rss_bytes = 0;
};

ResourceUsage usage_of(const rusage& usage) noexcept;

struct RunState {
  RunPhase phase = RunPhase::preparing;
  Outcome outcome = Outcome::none;
  std::string run;  // see JobFolder::run: a copy of the folder isn't the run's
  pid_t supervisor_pid = 0;
  pid_t entrypoint_pid = 0;                 // also the id of its session
  std::int64_t entrypoint_start_ticks = 0;  // see ProcessStat
  std::string boot_id;
  std::vector<int> gpus;             // the node's numbers of the GPUs allocated to the job
  std::int64_t running_ms = 0;       // Unix time when the entrypoint started
  std::int64_t ended_ms = 0;         // Unix time
  std::optional<int> exit_code;      // -N if signal N ended it
  std::string error;                 // of all outcomes but exited, stopped and died
  std::uint64_t lost_log_bytes = 0;  // output that couldn't be written to the log
  std::string log_error;             // why it couldn't
  std::optional<ResourceUsage> usage;
};

/// Whether some of the entrypoint has run, or may have.
bool has_run(const RunState& state) noexcept;
/// The outcome of a job whose start failed with this error.
Outcome outcome_of_failed_start(const Error& error) noexcept;

std::string_view name(RunPhase phase) noexcept;

/// {"user_s", "system_s", "max_rss_bytes"}, or null.
nlohmann::json to_json(const std::optional<ResourceUsage>& usage);
nlohmann::json to_json(const RunState& state);
/// Returns nullopt if a field is missing or has the wrong type.
std::optional<RunState> run_state_from_json(const nlohmann::json& value);

}  // namespace rtenv::job
