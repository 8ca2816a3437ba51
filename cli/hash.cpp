#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/explain.hpp"
#include "cli/progress.hpp"
#include "cli/selection.hpp"

namespace rtenv::cli {
namespace {

struct HashCommand {
  Selection selection;
  bool no_digest_cache = false;
  bool explain_wanted = false;

  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<int> HashCommand::run(const Tool& tool) const {
  RTENV_TRY(selection.check_directory());
  ProgressLine progress(tool);
  auto options = tool.options<PackOptions>(progress.on_progress());
  RTENV_TRY(selection.set(options, tool));
  if (explain_wanted) options.list_excluded = options.list_entries = true;
  if (!no_digest_cache) options.digest_cache = tool.digest_cache();
  RTENV_TRY(const Package package, name_directory(selection.directory, options));
  progress.clear();
  warn_of_left_out(package, explain_wanted);
  log_stats(package);
  if (explain_wanted && !tool.output.json) print_explanation(package);
  nlohmann::json object{{"uri", package.uri()},
                        {"scheme", name(package.scheme)},
                        {"files", package.files},
                        {"total_bytes", package.content_bytes}};
  if (explain_wanted) object.update(explanation_json(package));
  tool.output.print(object, package.uri());
  return 0;
}

}  // namespace

void register_hash(const Command& root, Tool& tool) {
  auto state = std::make_shared<HashCommand>();
  const Command command =
      add_command(root, tool, "hash", "Print the URI that a directory's package would have",
                  "  rtenv hash my_job --scheme ray");
  state->selection.declare(command);
  state->selection.limited.add(
      command.add_flag("--no-digest-cache", state->no_digest_cache,
                       "Read every file, even if it hasn't changed since the last time"),
      {InputKind::directory});
  command.add_flag(
      "--explain", state->explain_wanted,
      "List on standard error what was left out, by which rule, and the largest files");
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
