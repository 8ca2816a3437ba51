// Named points at which a test can stop, kill or fail the program, around steps that must be
// atomic. Only tests set the hook; without one a fault point costs an atomic load.
#pragma once

#include <atomic>
#include <cerrno>

#include "base/result.hpp"

namespace rtenv {

/// Returns 0, or the errno with which the point fails. May also not return.
using FaultHook = int (*)(const char* point);

inline std::atomic<FaultHook> fault_hook{nullptr};

inline Result<void> fault_point(const char* point) {
  const FaultHook hook = fault_hook.load(std::memory_order_relaxed);
  if (hook == nullptr) return {};
  const int error = hook(point);
  if (error != 0) return Failure(system_error(error, "pass fault point", point));
  return {};
}

/// One where the program can be stopped or killed, but nothing can fail.
inline void pause_point(const char* point) {
  if (const FaultHook hook = fault_hook.load(std::memory_order_relaxed)) hook(point);
}

}  // namespace rtenv
