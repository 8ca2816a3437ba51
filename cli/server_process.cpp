#include "cli/server_process.hpp"

#include <poll.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/signal_fd.hpp"
#include "cli/systemd.hpp"

namespace rtenv::cli {
namespace {

// Takes the signals that are pending, and gives back the previous mask.
void stop_handling(const SignalFd& signals, const sigset_t& previous_mask) {
  while (signals.next() != 0) continue;
  ::pthread_sigmask(SIG_SETMASK, &previous_mask, nullptr);
}

void announce(const std::string& address, const Tool& tool) {
  tool.output.print({{"address", address}}, address);
  std::fflush(stdout);
  log::info(
      "serving jobs; `rtenv job submit --address {} -- COMMAND` or `ray job submit` submits one",
      address);
  notify_systemd(tool.environment, "READY=1");
}

// Returns when the server is to end, or has ended.
void handle_signals(const SignalFd& signals, JobServer& server) {
  for (;;) {
    std::array<pollfd, 2> entries{{{signals.poll_fd(), POLLIN, 0}, {server.poll_fd(), POLLIN, 0}}};
    ::poll(entries.data(), entries.size(), -1);
    if (entries[1].revents != 0) return;
    while (const int number = signals.next()) {
      if (number != SIGHUP) return;
      server.reload();
    }
  }
}

}  // namespace

Result<void> run_server(JobServerOptions options, const Tool& tool) {
  // Messages to a terminal or pipe that is gone are lost, and the server goes on.
  std::signal(SIGPIPE, SIG_IGN);
  // Until the server runs, the others end the command, as any other.
  RTENV_TRY(const auto early, SignalFd::block({SIGHUP}));
  options.stop = tool.stop;
  if (auto passed = activated_socket(tool.environment))
    options.listening_socket = passed->release();
  auto server = JobServer::start(options);
  if (!server) {
    stop_handling(early, early.previous_mask());
    return Failure(std::move(server).error());
  }
  RTENV_TRY(const auto signals, SignalFd::block({SIGTERM, SIGINT, SIGHUP}));
  announce(server->address(), tool);
  if (!tool.cancellation->requested()) handle_signals(signals, *server);
  auto ended = server->stop();
  notify_systemd(tool.environment, "STOPPING=1");
  stop_handling(signals, early.previous_mask());
  return ended;
}

}  // namespace rtenv::cli
