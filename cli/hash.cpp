#include "cli/selection.hpp"

namespace rtenv::cli {
namespace {

Result<int> run(const Selection& selection, const Tool& tool) {
  RTENV_TRY(const auto options, selection.package_options(tool));
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
  auto selection = std::make_shared<Selection>();
  CLI::App* command =
      add_command(app, tool, "hash", "Print the URI that a directory's package has", "  rtenv hash my_job --scheme ray");
  selection->declare(*command);
  command->callback([selection, &tool] { tool.command = [selection, &tool] { return run(*selection, tool); }; });
}

}  // namespace rtenv::cli
