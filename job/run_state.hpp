// The progress of a job's run, as its supervisor reports it: over its control socket, and in the
// file `state` for a server that starts later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  setup_failed,  // its directory or environment couldn't be prepared
  start_failed,  // the entrypoint couldn't be started
  died,          // the supervisor or its guardian was killed, and so the job's processes were ended
};

/// Resource usage of the entrypoint and its reaped children, from getrusage(2).
struct ResourceUsage {
  double user_s = 0;
  double system_s = 0;
  std::int64_t max_rss_bytes = 0;
};

struct RunState {
  RunPhase phase = RunPhase::preparing;
  Outcome outcome = Outcome::none;
  pid_t supervisor_pid = 0;
  pid_t entrypoint_pid = 0;
  std::string boot_id;
  std::vector<int> gpus;             // the node's numbers of the GPUs allocated to the job
  std::int64_t running_ms = 0;       // Unix time when the entrypoint started
  std::int64_t ended_ms = 0;         // Unix time
  std::optional<int> exit_code;      // -N if signal N ended it
  std::string error;                 // of setup_failed and start_failed
  std::uint64_t lost_log_bytes = 0;  // output that couldn't be written to the log
  std::string log_error;             // why it couldn't
  std::optional<ResourceUsage> usage;
};

std::string_view name(RunPhase phase) noexcept;

/// {"user_s", "system_s", "max_rss_bytes"}, or null.
nlohmann::json to_json(const std::optional<ResourceUsage>& usage);
nlohmann::json to_json(const RunState& state);
/// Returns nullopt if a field is missing or has the wrong type.
std::optional<RunState> run_state_from_json(const nlohmann::json& value);

}  // namespace rtenv::job
