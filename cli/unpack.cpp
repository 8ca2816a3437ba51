#include "pkg/unpack.hpp"

#include "base/parallel.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

struct UnpackCommand {
  std::string source;
  std::string target;
  bool strip_top = false;

  Result<int> run(const Tool& tool) const {
    constexpr std::string_view k_file_scheme = "file://";
    std::string path = source;
    if (path.starts_with(k_file_scheme)) path.erase(0, k_file_scheme.size());
    if (path.find("://") != std::string::npos)
      return fail(Errc::invalid_argument, "{} isn't a file", path.substr(0, path.find("://") + 3) + "…")
          .hint("fetch it first, and give the file");
    RTENV_TRY(const auto summary,
              pkg::unpack(path, target,
                          {.strip_top = strip_top, .threads = default_threads(), .cancellation = tool.cancellation}));
    if (tool.json)
      Tool::print_json({{"path", std::filesystem::absolute(target).native()},
                        {"files", summary.files},
                        {"directories", summary.directories},
                        {"links", summary.links},
                        {"total_bytes", summary.total_bytes}});
    else
      log::info("{} files, {} bytes unpacked into {}", summary.files, summary.total_bytes, target);
    return 0;
  }
};

}  // namespace

void register_unpack(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<UnpackCommand>();
  CLI::App* command =
      add_command(app, tool, "unpack", "Unpack an archive (zip, whl, jar, tar.gz/xz/bz2/zst) safely, all or nothing",
                  "  rtenv unpack _ray_pkg_0f3a….zip target");
  command->add_option("SRC", state->source, "The archive: a path or file:// URI")->required();
  command->add_option("DEST", state->target, "The folder to make; it must not exist, or be empty")->required();
  command->add_flag("--strip-top", state->strip_top, "Drop the one top folder that holds everything, where there is one");
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
