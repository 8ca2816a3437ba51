// How far a job's run is, as its supervisor says it: over its socket while it lives, and in the
// file `state`, which is there for whoever comes later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"

#include "base/clock.hpp"

namespace rtenv::job {

enum class RunPhase : std::uint8_t {
  preparing,  // its directory and environment are being made ready
  ready,      // waits for resources
  running,    // written before the entrypoint begins: without it, nothing of it ever ran
  ended,
};

enum class Outcome : std::uint8_t {
  none,          // so far
  exited,        // the entrypoint ended by itself
  stopped,       // because somebody asked for it
  setup_failed,  // its directory or environment couldn't be made ready
  start_failed,  // the entrypoint couldn't be started
  died,          // the supervisor was killed, and what it supervised with it
};

struct RunState {
  RunPhase phase = RunPhase::preparing;
  Outcome outcome = Outcome::none;
  pid_t supervisor_pid = 0;
  pid_t entrypoint_pid = 0;
  std::string boot_id;
  std::vector<int> gpus;             // the node's numbers of those that it was given
  std::int64_t running_ms = 0;       // Unix time when the entrypoint began
  std::int64_t ended_ms = 0;         // Unix time
  std::optional<int> exit_code;      // -N where signal N ended it
  std::string error;                 // of setup_failed and start_failed
  std::uint64_t lost_log_bytes = 0;  // that couldn't be written
  std::string log_error;             // why
  nlohmann::json usage;              // {"user_s", "system_s", "max_rss_bytes"}, or null
};

std::string_view name(RunPhase phase) noexcept;
nlohmann::json to_json(const RunState& state);
/// Nothing where it isn't one.
std::optional<RunState> run_state_from_json(const nlohmann::json& value);

/// The folder of one job, and what lies in it. Readable by its owner alone.
struct JobFolder {
  Path path;

  [[nodiscard]] Path log() const { return path / "log"; }
  [[nodiscard]] Path state() const { return path / "state"; }
  [[nodiscard]] Path lock() const {
    return path / "lock";
  }  // locked for as long as the supervisor or its guardian lives
  [[nodiscard]] Path control() const { return path / "control"; }  // the supervisor's socket

  /// Atomically. Not synced: what a power cut takes, the store's row makes up for.
  [[nodiscard]] Result<void> write_state(const RunState& state) const;
  /// Nothing where there is none, or none that can be read.
  [[nodiscard]] std::optional<RunState> read_state() const;
};

}  // namespace rtenv::job
