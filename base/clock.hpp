// The wall clock, in the unit that the ledger, the job store and Ray's API use.
#pragma once

#include <chrono>
#include <cstdint>

namespace rtenv {

/// Now, in milliseconds of Unix time. Can jump: durations are measured by steady_clock.
inline std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace rtenv
