// The resource limits of one job.
#pragma once

#include <cstdint>
#include <optional>

namespace rtenv::job {

/// nullopt: no limit besides the system's.
struct JobLimits {
  std::optional<std::uint64_t> memory_bytes;  // data of each process (RLIMIT_DATA)
  std::optional<std::uint64_t> open_files;    // of each process (RLIMIT_NOFILE)
  std::optional<std::uint64_t> processes;     // of the whole job
  std::optional<std::uint64_t> run_time_s;    // of the entrypoint
};

}  // namespace rtenv::job
