#include "cli/commands.hpp"

namespace rtenv::cli {

void declare_commands(CommandLine& command_line, Tool& tool) {
  command_line.set_version("rtenv " RTENV_VERSION);
  const Command root = command_line.root();
  root.add_flag("-q,--quiet", tool.quiet, "Print only errors on standard error");
  root.add_flag("-v,--verbose", tool.verbose, "Also print each step and how long it took");
  root.add_flag("--no-progress", tool.no_progress, "Don't print a progress line on the terminal");
  root.add_option("--cache-dir", tool.cache_dir,
                  "The cache's folder [RTENV_CACHE_DIR; ~/.cache/rtenv]")
      .value_name("DIR");
  register_pack(root, tool);
  register_hash(root, tool);
  register_unpack(root, tool);
  register_inspect(root, tool);
  register_fetch(root, tool);
  register_push(root, tool);
  register_ls(root, tool);
  register_env(root, tool);
  register_run(root, tool);
  register_serve(root, tool);
  register_job(root, tool);
  register_cache(root, tool);
  register_doctor(root, tool);
  register_version(root, tool);
}

Command add_command(const Command& parent, Tool& tool, const char* name, const char* description,
                    const char* example) {
  const Command command = parent.add_command(name, description, example);
  command.add_flag("--json", tool.output.json, "Print one JSON object instead of text");
  return command;
}

}  // namespace rtenv::cli
