#include "pkg/unpack.hpp"

#include <nlohmann/json.hpp>

#include "base/parallel.hpp"
#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "cli/store_options.hpp"
#include "envbuild/fetch.hpp"

namespace rtenv::cli {
namespace {

struct UnpackCommand {
  std::string source;
  std::string target;
  StoreFlags store;
  bool strip_top = false;

  // The file itself, or the cached one if the source is a URI.
  [[nodiscard]] Result<envbuild::LeasedPath> find_archive(const Tool& tool) const {
    if (!remote::looks_like_uri(source))
      return envbuild::LeasedPath{.path = source, .lease = std::nullopt};
    RTENV_TRY(const auto uri, remote::Uri::parse(source));
    RTENV_TRY(const auto store_options, store.options(tool, uri));
    RTENV_TRY(auto cache, tool.open_cache());
    ProgressLine progress(tool);
    RTENV_TRY(auto fetched,
              envbuild::fetch_file(uri, cache,
                                   {.store = store_options, .on_progress = progress.callback()}));
    return std::move(fetched.object);
  }

  Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto archive, find_archive(tool));
    RTENV_TRY(const auto summary, pkg::unpack(archive.path, target,
                                              {.strip_top = strip_top,
                                               .modes = pkg::Modes::minus_umask,
                                               .threads = default_threads(),
                                               .cancellation = tool.cancellation}));
    std::error_code error;
    tool.output.print({{"path", std::filesystem::absolute(target, error).native()},
                       {"files", summary.files},
                       {"directories", summary.directories},
                       {"links", summary.links},
                       {"total_bytes", summary.total_bytes}},
                      [&] {
                        log::info("{} files, {} bytes unpacked into {}", summary.files,
                                  summary.total_bytes, target);
                      });
    return 0;
  }
};

}  // namespace

void register_unpack(const Command& root, Tool& tool) {
  auto state = std::make_shared<UnpackCommand>();
  const Command command = add_command(
      root, tool, "unpack",
      "Unpack an archive (zip, whl, jar, tar.gz/xz/bz2/zst) safely, all or nothing",
      "  rtenv unpack _ray_pkg_0f3a….zip target\n  rtenv unpack s3://bucket/my_job.zip target");
  command
      .add_option("SRC", state->source, "The archive: a path, or a URI as `rtenv fetch` takes it")
      .required();
  command.add_option("DEST", state->target, "The folder to create; it must not exist, or be empty")
      .required();
  command.add_flag("--strip-top", state->strip_top,
                   "Leave out the top folder, if it contains everything");
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
