// The wall clock in milliseconds, the unit of the ledger, the job store and Ray's API.
#pragma once

#include <chrono>
#include <cstdint>

namespace rtenv {

/// The current Unix time in milliseconds. Can jump: use steady_clock for durations.
inline std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace rtenv
