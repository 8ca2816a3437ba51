#include "cli/selection.hpp"

namespace rtenv::cli {
namespace {

struct HashCommand {
  Selection selection;
  bool no_digest_cache = false;

  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<int> HashCommand::run(const Tool& tool) const {
  RTENV_TRY(auto options, selection.package_options(tool));
  if (!no_digest_cache) options.digest_cache = tool.digest_cache();
  RTENV_TRY(const auto named, pkg::name_directory(selection.directory, options));
  warn_of_left_out(named.tree, false);
  if (tool.json)
    Tool::print_json({{"uri", named.name.uri()},
                      {"scheme", pkg::name(named.name.scheme())},
                      {"files", named.tree.file_count()},
                      {"total_bytes", named.tree.total_bytes()}});
  else
    Tool::print_line(named.name.uri());
  return 0;
}

}  // namespace

void register_hash(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<HashCommand>();
  CLI::App* command = add_command(app, tool, "hash", "Print the URI that a directory's package has",
                                  "  rtenv hash my_job --scheme ray");
  state->selection.declare(*command);
  command->add_flag("--no-digest-cache", state->no_digest_cache,
                    "Read every file, also those that haven't changed since the last time");
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
