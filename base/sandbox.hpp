// Runs a command in a sandbox of bubblewrap (bwrap): with process and IPC namespaces of its own, a
// cache read-only and a folder hidden. The rest of the file system and the network are unchanged.
#pragma once

#include <vector>

#include "base/process.hpp"

namespace rtenv {

struct SandboxFolders {
  Path cache;                  // read-only
  std::vector<Path> writable;  // the command's own folders in the cache
  Path hidden;                 // replaced by an empty tmpfs
};

/// `spawn` with its command wrapped in bwrap. Fails: not_found (bwrap isn't installed).
Result<SpawnOptions> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders);

}  // namespace rtenv
