// How the entrypoint of a submitted job is started and stopped: its environment variables, and the
// variables by which a job chooses how it is stopped (as in Ray 2.60).
#pragma once

#include <chrono>

#include "base/environment.hpp"
#include "job/job_order.hpp"

namespace rtenv::job {

/// `prepared`, see activate(), with the variables that identify the job and its GPUs. Requires:
/// `order.start` is set.
Environment entrypoint_environment(const JobOrder& order, Environment prepared);

struct StopSettings {
  int signal = 0;
  /// From the signal to SIGKILL, when a stop was requested.
  std::chrono::milliseconds wait{};
};

inline constexpr std::chrono::milliseconds k_default_stop_wait{3000};

/// From RAY_JOB_STOP_SIGNAL ("SIGINT"; SIGTERM by default) and RAY_JOB_STOP_WAIT_TIME_S (seconds,
/// 3 by default).
StopSettings stop_settings(const Environment& environment);

}  // namespace rtenv::job
