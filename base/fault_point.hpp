// Named places at which a test may stop, kill or fail the program: before and after what a crash
// must not tear apart. Nobody but tests sets the hook; without one a place costs a load.
#pragma once

#include <atomic>
#include <cerrno>

#include "base/result.hpp"

namespace rtenv {

/// Returns 0, or the errno that the place fails with. May not return at all.
using FaultHook = int (*)(const char* place);

inline std::atomic<FaultHook> fault_hook{nullptr};

inline Result<void> fault_point(const char* place) {
  const FaultHook hook = fault_hook.load(std::memory_order_relaxed);
  if (hook == nullptr) return {};
  const int error = hook(place);
  if (error != 0) return Failure(system_error(error, "pass", place));
  return {};
}

}  // namespace rtenv
