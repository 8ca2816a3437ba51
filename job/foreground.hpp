// Runs a job's command in the foreground: it has the terminal, and what the user signals reaches
// it.
#pragma once

#include <string>
#include <vector>

#include "base/process.hpp"

namespace rtenv::job {

struct Command {
  std::vector<std::string> argv;
  Environment environment;
  Path working_dir;           // empty: the caller's
  std::vector<int> keep_fds;  // locks that the job holds even when this process is killed
};

/// Waits for the command's end. SIGINT and SIGQUIT are left to the command, which the terminal
/// sends them to as well; SIGTERM and SIGHUP are passed on. What the command leaves behind, daemons
/// included, is ended: SIGTERM, 3 s later SIGKILL. Requires: no other thread changes the handling
/// of these signals meanwhile, and the caller has no other children. Fails: not_found,
/// permission_denied (the program).
Result<ExitState> run_in_foreground(const Command& command);

}  // namespace rtenv::job
