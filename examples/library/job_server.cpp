// A job server inside another program: who may use it is decided here, and it ends with the
// program. The `ray job` command, Ray's Python client and `rtenv job` work against it.
//
//   job_server STATE_FOLDER PORT SECRET…
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <rtenv/job_server.hpp>
#include <rtenv/log.hpp>
#include <string>
#include <unordered_set>

namespace {

// One secret a user. Whoever has none may look.
class Secrets final : public rtenv::Authenticator {
 public:
  explicit Secrets(std::unordered_set<std::string> secrets) : secrets_(std::move(secrets)) {}

  std::variant<Caller, Refusal> authenticate(const Request& request) override {
    if (!request.token) return Caller{.name = "guest"};
    if (secrets_.contains(*request.token)) return Caller{.name = "user", .may_submit = true};
    return Refusal{.message = "unknown secret"};
  }

 private:
  std::unordered_set<std::string> secrets_;
};

int fail(const rtenv::Error& error) {
  std::fprintf(stderr, "%s\n%s\n", error.message().c_str(), error.hint().c_str());
  return rtenv::exit_status(error.code());
}

// This program's own way to be told to end: rtenv doesn't handle signals.
int open_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return std::fputs("usage: job_server STATE_FOLDER PORT SECRET…\n", stderr), 2;
  rtenv::log::set_sink(rtenv::log::Level::info, [](rtenv::log::Level, std::string_view message) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  });
  const int signals = open_signals();

  rtenv::JobServerOptions options;
  options.state_dir = argv[1];
  options.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  options.authenticator =
      std::make_shared<Secrets>(std::unordered_set<std::string>(argv + 3, argv + argc));
  auto server = rtenv::JobServer::start(options);
  if (!server) return fail(server.error());
  std::printf("%s\n", server->address().c_str());
  std::fflush(stdout);

  for (;;) {
    pollfd events[] = {{signals, POLLIN, 0}, {server->poll_fd(), POLLIN, 0}};
    if (poll(events, 2, -1) < 0) continue;
    if (events[1].revents != 0) break;  // the server has ended by itself
    signalfd_siginfo signal{};
    if (read(signals, &signal, sizeof signal) != sizeof signal) continue;
    if (signal.ssi_signo != SIGHUP) break;
    server->reload();
  }
  // Running jobs continue: the next server with this state folder takes them over.
  if (auto ended = server->stop(); !ended) return fail(ended.error());
}
