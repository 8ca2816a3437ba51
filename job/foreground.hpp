// Runs a job's command in the foreground: it gets the terminal and the signals that the user sends.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"

namespace rtenv::job {

struct Command {
  std::vector<std::string> argv;
  Environment environment;
  Path working_dir;           // empty: the caller's
  std::vector<int> keep_fds;  // locks that the command keeps held even if this process is killed
  std::function<const char*()> prepare_child;  // see SpawnOptions
};

/// Waits until the command has ended. The terminal sends SIGINT and SIGQUIT to the command itself;
/// SIGTERM and SIGHUP are forwarded to it. Processes that the command leaves running, daemons
/// included, get SIGTERM, and SIGKILL 3 s later. Requires: no other thread changes the handling of
/// these signals meanwhile, and the caller has no other children. Fails: not_found or
/// permission_denied (the program), unavailable (no descriptor or process left).
Result<ExitState> run_in_foreground(const Command& command);

}  // namespace rtenv::job
