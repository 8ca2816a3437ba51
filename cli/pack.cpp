#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/entry_list.hpp"
#include "cli/explain.hpp"
#include "cli/progress.hpp"
#include "cli/selection.hpp"

namespace rtenv::cli {
namespace {

struct PackCommand {
  Selection selection;
  std::string output;  // empty: the package's name, in the current folder; "-": standard output
  CompressionOption compression;
  bool explain_wanted = false;
  bool list_wanted = false;

  [[nodiscard]] Result<int> list(const Tool& tool) const;
  [[nodiscard]] Result<Package> pack(const PackOptions& options) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<int> PackCommand::list(const Tool& tool) const {
  auto options = tool.options<PackOptions>();
  RTENV_TRY(selection.set(options, tool));
  options.list_entries = true;
  if (explain_wanted) options.list_excluded = true;
  RTENV_TRY(const Package package, list_directory(selection.directory, options));
  warn_of_left_out(package, explain_wanted);
  if (explain_wanted && !tool.output.json) print_explanation(package);
  const auto as_json = [&] {
    nlohmann::json entries = nlohmann::json::array();
    for (const Entry& entry : package.entries)
      if (entry.is_in_archive) entries.push_back(entry_json(entry));
    nlohmann::json object{{"entries", std::move(entries)},
                          {"files", package.files},
                          {"total_bytes", package.content_bytes}};
    if (explain_wanted) object.update(explanation_json(package));
    return object;
  };
  tool.output.print_either(as_json, [&] {
    for (const Entry& entry : package.entries)
      if (entry.is_in_archive) print_line(name_in_archive(entry));
  });
  return 0;
}

Result<Package> PackCommand::pack(const PackOptions& options) const {
  if (output == "-") return pack_to_descriptor(selection.directory, STDOUT_FILENO, options);
  if (output.empty()) return pack_into(selection.directory, "", options);
  return rtenv::pack(selection.directory, Path(output), options);
}

Result<int> PackCommand::run(const Tool& tool) const {
  RTENV_TRY(selection.check_directory());
  if (list_wanted) return list(tool);
  RTENV_TRY(const bool to_stdout, tool.output.is_standard_output(output, "a package"));
  ProgressLine progress(tool);
  auto options = tool.options<PackOptions>(progress.on_progress());
  RTENV_TRY(selection.set(options, tool));
  options.compression = compression.value();
  if (explain_wanted) options.list_excluded = options.list_entries = true;
  RTENV_TRY(const Package package, pack(options));
  progress.clear();
  warn_of_left_out(package, explain_wanted);
  if (explain_wanted && !tool.output.json) print_explanation(package);
  log_stats(package);
  log::debug("wrote {} bytes", package.packed_bytes);
  const Path target = output.empty() ? package.name : output;
  nlohmann::json object{
      {"uri", package.uri()},
      {"scheme", name(package.scheme)},
      {"path", to_stdout ? std::string() : std::filesystem::absolute(target).native()},
      {"files", package.files},
      {"total_bytes", package.content_bytes},
      {"package_bytes", package.packed_bytes}};
  if (explain_wanted) object.update(explanation_json(package));
  tool.output.print(object, [&] {
    if (to_stdout)
      log::info("{}", package.uri());
    else
      print_line(package.uri());
  });
  return 0;
}

}  // namespace

void register_pack(const Command& root, Tool& tool) {
  auto state = std::make_shared<PackCommand>();
  const Command command =
      add_command(root, tool, "pack", "Pack a directory into _ray_pkg_<hash>.zip and print its URI",
                  "  rtenv pack my_job -o - | aws s3 cp - s3://bucket/my_job.zip\n"
                  "  rtenv pack my_job --list --exclude '*.csv' --include small.csv");
  state->selection.declare(command);
  const Option output_option =
      command
          .add_option("-o,--output", state->output,
                      "The file to write; - for standard output [the package's name, in the "
                      "current folder]")
          .value_name("FILE");
  const Option compress_option = state->compression.declare(command);
  command
      .add_flag("--list", state->list_wanted,
                "Print what would be in the package, one name a line (--json: with sizes), and "
                "write nothing")
      .excludes(output_option)
      .excludes(compress_option);
  command.add_flag(
      "--explain", state->explain_wanted,
      "List on standard error what was left out, by which rule, and the largest files");
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
