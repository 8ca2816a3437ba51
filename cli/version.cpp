#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "envbuild/uv_program.hpp"

namespace rtenv::cli {

void register_version(const Command& root, Tool& tool) {
  add_command(root, tool, "version", "Print the version", "  rtenv version --json")
      .set_action([&tool]() -> Result<int> {
        tool.output.print({{"rtenv", RTENV_VERSION},
                           {"ray_compatible", RTENV_RAY_VERSION},
                           {"uv_pinned", envbuild::pinned_uv_version()}},
                          "rtenv " RTENV_VERSION);
        return 0;
      });
}

}  // namespace rtenv::cli
