// A job server as the whole of this process: what only the process does, such as handling signals
// and talking to systemd.
#pragma once

#include "cli/tool.hpp"
#include "rtenv/job_server.hpp"

namespace rtenv::cli {

/// Prints the server's address and serves until SIGTERM or SIGINT; SIGHUP reads the token and the
/// certificate again. Further signals are ignored while the server ends. Supports systemd's socket
/// activation (LISTEN_FDS) and notification (NOTIFY_SOCKET). Fails: as JobServer::start and
/// JobServer::wait.
Result<void> run_server(JobServerOptions options, const Tool& tool);

}  // namespace rtenv::cli
