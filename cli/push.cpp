#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "cli/selection.hpp"
#include "cli/store_options.hpp"
#include "rtenv/transfer.hpp"

namespace rtenv::cli {
namespace {

struct PushCommand {
  Selection selection;
  std::string uri;
  StoreFlags store;
  CompressionOption compression;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    ProgressLine progress(tool);
    auto options = tool.options<PushOptions>(progress.on_progress());
    RTENV_TRY(store.set(options, parsed));
    Selection chosen = selection;
    if (parsed.scheme == remote::Scheme::gcs && !chosen.scheme) chosen.scheme = "ray";
    RTENV_TRY(const InputKind kind, chosen.check_source());
    RTENV_TRY(chosen.set(options, tool));
    options.compression = compression.value();
    options.digest_cache = tool.digest_cache();
    const auto pushed = kind == InputKind::standard_input
                            ? push_from_descriptor(STDIN_FILENO, uri, options)
                            : rtenv::push(chosen.directory, uri, options);
    progress.clear();
    if (!pushed) return Failure(pushed.error());
    warn_of_left_out(pushed->package, false);
    if (!pushed->uploaded) log::info("{} already exists", pushed->uri);
    nlohmann::json object{{"uri", pushed->uri}, {"uploaded", pushed->uploaded}};
    if (pushed->uploaded) object["size_bytes"] = pushed->size_bytes;
    tool.output.print(object, pushed->uri);
    return 0;
  }
};

}  // namespace

void register_push(const Command& root, Tool& tool) {
  auto state = std::make_shared<PushCommand>();
  const Command command = add_command(
      root, tool, "push",
      "Upload a directory as a package, or a file, to a store and print its URI",
      "  rtenv push my_job s3://bucket/my_job.zip\n"
      "  rtenv push my_job gs://bucket/jobs/          under its own name, _ray_pkg_<hash>.zip\n"
      "  rtenv pack --git v1.2 -o - | rtenv push - s3://bucket/v1.2.zip\n"
      "  rtenv push my_job gcs:// --address http://127.0.0.1:8265\n"
      "  rtenv push my_job s3://bucket/jobs/ --endpoint-url http://minio:9000 --profile team\n"
      "A URI that names the object decides its name. Below a folder, and on a job server, it is\n"
      "  of a directory or commit   _ray_pkg_<hash>.zip, as `rtenv pack` names it with the same\n"
      "                             options (for gcs:// with --scheme ray, as Ray names it)\n"
      "  of a file                  its own name; for gcs:// _ray_pkg_<SHA-1 of its bytes> with "
      "its\n"
      "                             extension, as Ray names archives; wheels keep their name\n"
      "  of standard input          _ray_pkg_<SHA-1 of its bytes>, as of an archive\n"
      "so one directory has another name packed by rtenv, by Ray, or as an archive.\n"
      "Credentials come from the vendors' own variables and files; `rtenv doctor` says which are "
      "found.");
  state->selection
      .declare(command, "SRC", "The directory or file; - for a file from standard input")
      .required()
      .show_default("");
  command
      .add_option("URI", state->uri,
                  "s3:// gs:// azure:// abfss:// http(s):// (PUT) file://, to exactly this name, "
                  "or to a folder that ends with /; gcs:// a job server")
      .required();
  state->selection.limited.add(state->compression.declare(command),
                               {InputKind::directory, InputKind::commit});
  state->store.declare_address(command);
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
