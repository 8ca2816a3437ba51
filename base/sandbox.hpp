// Runs a command in a sandbox of bubblewrap (bwrap): with process and IPC namespaces and a /dev of
// its own, and without capabilities. The file system is read-only but for a few folders; an empty
// /tmp and an empty ~/.cache vanish with the command. The network is unchanged, and what the user
// may read can be read.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"

namespace rtenv {

struct SandboxFolders {
  Path cache;                  // read-only
  std::vector<Path> readable;  // also if they are in /tmp or ~/.cache
  std::vector<Path> writable;  // the command's own folders in the cache
  Path hidden;                 // replaced by an empty tmpfs
};

enum class UnixSockets : std::uint8_t {
  allowed,
  refused,  // no descriptor gets out of the sandbox, or into it; an ssh agent can't be used
};

struct SandboxedCommand {
  SpawnOptions spawn;
  Fd arguments;  // bwrap reads these two: to be kept until the command was spawned
  Fd filter;
};

/// `spawn` with its command wrapped in bwrap. bwrap itself runs with none of the command's
/// variables, which could make it run other code, but for `mark`. Fails: not_found (bwrap isn't
/// installed), invalid_argument (too many variables), as memfd_create(2).
Result<SandboxedCommand> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders,
                                    std::string_view mark = {},
                                    UnixSockets unix_sockets = UnixSockets::allowed);

}  // namespace rtenv
