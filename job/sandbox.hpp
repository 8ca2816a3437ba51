// Runs a job's entrypoint in a sandbox of bubblewrap (bwrap): with process and IPC namespaces of
// its own, the cache read-only and the server's state hidden. The rest of the file system and the
// network are unchanged.
#pragma once

#include <optional>

#include "base/process.hpp"

namespace rtenv::job {

struct SandboxFolders {
  Path cache;                      // read-only
  std::optional<Path> job_folder;  // the job's own copies, in the cache: writable
  Path hidden;                     // replaced by an empty tmpfs
};

/// `spawn` with its command wrapped in bwrap. Fails: not_found (bwrap isn't installed).
Result<SpawnOptions> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders);

}  // namespace rtenv::job
