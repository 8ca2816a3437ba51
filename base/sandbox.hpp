// Runs a command in a sandbox of bubblewrap (bwrap): with process and IPC namespaces and a /dev of
// its own, and without capabilities. The file system is read-only but for a few folders. Empty
// folders, which vanish with the command, replace home directories, those for temporary files, and
// /run, where other services have their sockets.
#pragma once

#include <string>
#include <vector>

#include "base/call_filter.hpp"
#include "base/process.hpp"

namespace rtenv {

/// Files and folders. Paths may lead through symbolic links.
struct SandboxFolders {
  std::vector<Path> readable;  // also if they are in a home directory, /tmp or /run
  std::vector<Path> hidden;    // also if they are in what is readable
  std::vector<Path> own;       // readable, also if they are in what is hidden
  std::vector<Path> writable;  // the same
};

/// Whether a sandboxed command doesn't see a path. A link counts as what it leads to.
bool is_hidden_in_sandbox(const Path& path, const SandboxFolders& folders);

/// What whoever runs a server can choose.
struct SandboxPolicy {
  std::vector<Path> readable;  // as SandboxFolders::readable
  std::vector<Path> hidden;    // secrets of the server in other places
  bool has_network = true;     // else only a loopback interface of the command's own
};

struct SandboxOptions {
  /// Of the process that starts bwrap, where bwrap is looked up: a command's own could name another
  /// one. nullopt: of this process.
  std::optional<Environment> starter = {};
  std::string mark;  // "NAME=VALUE", the only variable of bwrap itself
  UnixSockets unix_sockets = UnixSockets::allowed;
  bool has_network = true;
  /// Whether everything ends with bwrap, which ends when the command does or this process. If not,
  /// processes that the command leaves behind become children of the nearest subreaper.
  bool ends_at_once = true;
};

struct SandboxedCommand {
  SpawnOptions spawn;
  Fd arguments;  // bwrap reads these two: to be kept until the command was spawned
  Fd filter;
};

/// `spawn` with its command wrapped in bwrap. bwrap itself runs with none of the command's
/// variables, which could make it run other code. Fails: not_found (bwrap isn't installed),
/// invalid_argument (too many variables), as memfd_create(2).
Result<SandboxedCommand> in_sandbox(SpawnOptions spawn, const SandboxFolders& folders,
                                    const SandboxOptions& options = {});

/// Runs a command that does nothing, as a process with these variables would. Fails: as in_sandbox,
/// unavailable (bwrap can't make a sandbox here).
Result<void> try_sandbox(const SandboxFolders& folders, const Environment& starter);

}  // namespace rtenv
