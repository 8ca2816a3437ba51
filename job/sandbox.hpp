// Runs a job's entrypoint in a sandbox, by the program bwrap (bubblewrap): processes of its own,
// the cache read-only, the server's state out of sight. The rest of the file system and the network
// are as they are.
#pragma once

#include <optional>

#include "base/process.hpp"

namespace rtenv::job {

struct SandboxFolders {
  Path cache;                      // may be read
  std::optional<Path> job_folder;  // in the cache: may be written, it is the job's own
  Path hidden;
};

/// Fails: not_found (bwrap).
Result<SpawnOptions> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders);

}  // namespace rtenv::job
