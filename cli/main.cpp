// The tool `rtenv`: parses the command line, runs one command, and turns errors into messages and
// exit statuses.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/internals.hpp"
#include "base/exceptions.hpp"
#include "base/text.hpp"
#include "base/wait_scope.hpp"
#include "cli/background_removal.hpp"
#include "cli/commands.hpp"
#include "cli/self_description.hpp"
#include "cli/standard_stream.hpp"
#include "job/supervise_command.hpp"

namespace rtenv::cli {
namespace {

constexpr int k_usage_error_status = 2;
constexpr std::size_t k_last_words_bytes = 16 << 10;  // errors after an interruption

// Global because a signal handler has no argument to pass it in.
const StopSignal* g_stop = nullptr;

void stop_on_signals(const StopSignal& stop) {
  g_stop = &stop;
  struct sigaction action {};
  action.sa_handler = [](int) { g_stop->request(); };
  // A second signal ends the process at once.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);  // not under nohup
  // A file that exceeds its limit is an error of write(2). Not ignored: programs would inherit
  // that.
  struct sigaction no_action {};
  no_action.sa_handler = [](int) {};
  ::sigaction(SIGXFSZ, &no_action, nullptr);
}

// Libraries make objects before main, where nothing catches exceptions.
[[gnu::constructor(101)]] void end_if_out_of_memory() {
  std::set_new_handler([] {
    constexpr std::string_view k_message = "rtenv: error: out of memory\n";
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, k_message.data(), k_message.size());
    std::_Exit(exit_status(Errc::unavailable));
  });
}

// A file that is opened as one of them would get messages.
void open_standard_descriptors() {
  // Writing to standard output still fails: what a command prints would be lost.
  for (const auto& [number, mode] :
       {std::pair{STDIN_FILENO, O_RDONLY}, {STDOUT_FILENO, O_RDONLY}, {STDERR_FILENO, O_WRONLY}})
    if (::fcntl(number, F_GETFD) < 0 && ::open("/dev/null", mode) != number) std::_Exit(1);
}

int fail_with(const Error& error, const Tool& tool) {
  const bool needs_hint = error.code() == Errc::out_of_space && error.hint().empty();
  tool.output.print_error(
      needs_hint ? Error(error).with_hint("df shows whose space it is; `rtenv cache gc --max-size "
                                          "SIZE` removes what isn't in use from the cache")
                 : error);
  return exit_status(error.code());
}

// Memory may have run out, so this takes none.
int fail_without_tool(const Error& error) noexcept {
  std::fputs("rtenv: error: ", stderr);
  std::fputs(error.message().c_str(), stderr);
  std::fputs("\n", stderr);
  return exit_status(error.code());
}

struct Streams {
  StandardStream& output;
  StandardStream& error;
};

int flushed(int status, const Streams& streams, const Tool& tool) {
  auto written = streams.output.flush();
  // Nobody needs to read standard error, but what was interrupted there isn't complete.
  if (auto told = streams.error.flush(); written && !told && told.error().code() == Errc::cancelled)
    written = std::move(told);
  if (written) return status;
  tool.output.print_error(written.error());
  return exit_status(written.error().code());
}

int run(const Action& action, const Streams& streams, const Tool& tool) {
  tool.configure_log();
  const auto status = [&] {
    const WaitScope scope(tool.cancellation);
    return without_exceptions(action);
  }();
  const int exit_status =
      status ? flushed(*status, streams, tool) : fail_with(status.error(), tool);
  remove_left_folders(*tool.cancellation);
  tool.enforce_cache_limits();  // last: it may take a while
  return exit_status;
}

int run(const RequestedText& requested, const Streams& streams, const Tool& tool) {
  std::fputs(requested.text.c_str(), stdout);
  return flushed(0, streams, tool);
}

int run(const UsageError& error, const Streams& /*streams*/, const Tool& tool) {
  if (tool.output.json) {
    tool.output.print_error(Error(Errc::invalid_argument, error.message, error.hint));
    return k_usage_error_status;
  }
  print_to_stderr(fmt::format("rtenv: error: {}\nrtenv: hint: {}\n", terminal_text(error.message),
                              terminal_text(error.hint)));
  return k_usage_error_status;
}

int run(std::vector<std::string> words) {
  // Before the signal handler is installed: a supervisor handles signals in another way.
  if (!words.empty() && words.front() == job::k_supervise)
    return job::supervise_command({words.begin() + 1, words.end()});
  Tool tool{.environment = Environment::of_process()};
  if (!words.empty() && words.front() == k_remove_folders)
    return remove_folders({words.begin() + 1, words.end()});
  static auto stop = StopSignal::create();
  if (!stop) return fail_with(stop.error(), tool);
  stop_on_signals(*stop);
  tool.stop = *stop;
  const Cancellation* const cancellation = Internals::of(*stop);
  tool.cancellation = cancellation;
  // It is never destroyed: a logger may write to it until the end.
  static auto& error_stream = *new StandardStream(stderr, {.name = "standard error",
                                                           .cancellation = cancellation,
                                                           .last_words_bytes = k_last_words_bytes});
  StandardStream output(stdout, {.name = "standard output", .cancellation = cancellation});

  CommandLine command_line(
      "rtenv", "Packs working directories, builds and caches environments, and runs jobs in them.",
      "`rtenv COMMAND --help` shows a command's options and an example.\n"
      "Exit status: 0 success, 1 failure, 2 wrong usage or input, 3 not found, 4 refused,\n"
      "5 unavailable, 6 no space, 130 interrupted. `rtenv run` exits with the job's own.");
  declare_commands(command_line, tool);
  if (words.empty()) {
    print_to_stderr(command_line.help());
    return k_usage_error_status;
  }
  // Also if the rest can't be parsed. What follows -- is a job's.
  tool.output.json = std::find(words.begin(), std::ranges::find(words, "--"), "--json") !=
                     std::ranges::find(words, "--");
  auto described = describe_self(command_line, words, tool.environment);
  return std::visit(
      [&](const auto& parsed) {
        return run(parsed, {.output = output, .error = error_stream}, tool);
      },
      described ? *std::move(described) : command_line.parse(std::move(words)));
}

}  // namespace
}  // namespace rtenv::cli

int main(int argc, char** argv) {
  std::set_new_handler(nullptr);  // from here on, lack of memory is an exception, which is caught
  rtenv::cli::open_standard_descriptors();
  // A parent that ignores it leaves it so, which hides how children end.
  std::signal(SIGCHLD, SIG_DFL);
  const auto status = rtenv::without_exceptions([&]() -> rtenv::Result<int> {
    return rtenv::cli::run({argv + std::min(argc, 1), argv + argc});
  });
  return status ? *status : rtenv::cli::fail_without_tool(status.error());
}
