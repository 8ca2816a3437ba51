// The tool `rtenv`: parses the command line, runs one command, and turns errors into messages and
// exit statuses.
#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "base/json_text.hpp"
#include "base/nearest.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

constexpr int k_wrong_usage = 2;

const Cancellation* g_interrupted = nullptr;  // a signal handler has no other way to its object

void stop_on_signals(const Cancellation& cancellation) {
  g_interrupted = &cancellation;
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted->request(); };
  action.sa_flags =
      static_cast<int>(SA_RESTART | SA_RESETHAND);  // a second one ends the process at once
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

void show(const Error& error, bool json) {
  if (json) {
    nlohmann::json object{{"code", name(error.code())}, {"message", error.message()}};
    if (!error.hint().empty()) object["hint"] = error.hint();
    fmt::print(stderr, "{}\n", json_text({{"error", object}}));
    return;
  }
  fmt::print(stderr, "rtenv: error: {}\n", error.message());
  if (!error.hint().empty()) fmt::print(stderr, "rtenv: hint: {}\n", error.hint());
}

void build(CLI::App& app, Tool& tool) {
  app.description("Working directories and environments for jobs: packed, built, cached, run.");
  app.footer(
      "Exit status: 0 done, 1 the work failed, 2 wrong usage or input, 3 not found, 4 refused,\n"
      "5 unavailable, 6 no space, 130 interrupted. `rtenv run` ends with the job's own.\n"
      "`rtenv COMMAND --help` shows a command's options and an example.");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "rtenv " RTENV_VERSION);
  app.add_flag("-q,--quiet", tool.quiet, "Only errors on standard error");
  app.add_flag("-v,--verbose", tool.verbose, "Also what is done and how long it took");
  app.add_flag("--no-progress", tool.no_progress, "No progress line on the terminal");
  app.add_option("--cache-dir", tool.cache_dir, "The cache [RTENV_CACHE_DIR; ~/.cache/rtenv]")
      ->type_name("DIR");
  register_pack(app, tool);
  register_hash(app, tool);
  register_unpack(app, tool);
  register_inspect(app, tool);
  register_fetch(app, tool);
  register_push(app, tool);
  register_env(app, tool);
  register_run(app, tool);
  register_serve(app, tool);
  register_job(app, tool);
  register_cache(app, tool);
  register_doctor(app, tool);
  register_version(app, tool);
}

// The command that the words lead to: the one whose options an unknown one should be compared with.
const CLI::App& deepest_parsed(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest_parsed(*parsed.front());
}

void collect_names(const CLI::App& app, bool options, std::vector<std::string>& names) {
  if (!options) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(command->get_name());
    return;
  }
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent())
    for (const CLI::Option* option : level->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
}

int wrong_usage(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = deepest_parsed(app);
  const auto remaining = app.remaining(true);
  std::string message = error.what();
  if (!remaining.empty()) {
    const std::string word = remaining.front().substr(0, remaining.front().find('='));
    const bool option = word.starts_with('-');
    std::vector<std::string> names;
    collect_names(command, option, names);
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    message = fmt::format("unknown {} '{}'",
                          option          ? "option"
                          : names.empty() ? "argument"
                                          : "command",
                          word);
    if (const auto suggestion = nearest(word, candidates))
      message += fmt::format("; did you mean '{}'?", *suggestion);
  }
  fmt::print(stderr, "rtenv: error: {}\n", message);
  std::string path = command.get_name();
  for (const CLI::App* parent = command.get_parent(); parent != nullptr;
       parent = parent->get_parent())
    path.insert(0, parent->get_name() + " ");
  fmt::print(stderr, "rtenv: hint: {} --help\n", path);
  return k_wrong_usage;
}

int run(int argc, char** argv) {
  if (argc > 1 && argv[1] == k_supervise)  // before there is a handler of signals
    return supervise(Tool{.environment = Environment::of_process()}, {argv + 2, argv + argc});
  auto cancellation = Cancellation::create();
  if (!cancellation) {
    show(cancellation.error(), false);
    return exit_status(cancellation.error().code());
  }
  stop_on_signals(*cancellation);
  Tool tool{.environment = Environment::of_process(), .cancellation = &*cancellation};
  CLI::App app("", "rtenv");
  build(app, tool);
  if (argc == 1) {
    fmt::print(stderr, "{}", app.help());
    return k_wrong_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answer) {  // --help, --version
    return app.exit(answer);
  } catch (const CLI::ParseError& error) {
    return wrong_usage(app, error);
  }
  log::configure(tool.verbosity());
  auto status = tool.command();
  tool.enforce_cache_limits();
  if (!status) {
    show(status.error(), tool.json);
    return exit_status(status.error().code());
  }
  if (std::fflush(stdout) != 0) {
    show(system_error(errno, "write", "standard output"), tool.json);
    return 1;
  }
  return *status;
}

}  // namespace
}  // namespace rtenv::cli

int main(int argc, char** argv) { return rtenv::cli::run(argc, argv); }
