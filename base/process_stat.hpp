// What the kernel tells of a process in /proc/PID/stat: see proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace rtenv {

struct ProcessStat {
  char state = 0;  // 'Z' and 'X': the main thread has ended; others may still run
  pid_t parent = 0;
  pid_t session = 0;
  bool exiting = false;  // of the main thread
  std::int64_t threads = 0;
  std::int64_t start_ticks = 0;  // clock ticks after the boot
};

/// Nullopt if there is no such process. Thread-safe.
std::optional<ProcessStat> process_stat(pid_t pid);

}  // namespace rtenv
