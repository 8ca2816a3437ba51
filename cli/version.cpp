#include "cli/tool.hpp"
#include "envbuild/uv_program.hpp"

namespace rtenv::cli {

void register_version(CLI::App& app, Tool& tool) {
  CLI::App* command =
      add_command(app, tool, "version", "Print the version", "  rtenv version --json");
  command->callback([&tool] {
    tool.command = [&tool]() -> Result<int> {
      if (tool.json)
        Tool::print_json({{"rtenv", RTENV_VERSION},
                          {"ray_compatible", RTENV_RAY_VERSION},
                          {"uv_pinned", envbuild::pinned_uv_version()}});
      else
        Tool::print_line("rtenv " RTENV_VERSION);
      return 0;
    };
  });
}

}  // namespace rtenv::cli
