#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/path_kind.hpp"
#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "cli/store_options.hpp"
#include "pkg/package_name.hpp"
#include "rtenv/transfer.hpp"

namespace rtenv::cli {
namespace {

struct FetchCommand {
  std::string uri;
  StoreFlags store;
  std::string output;  // empty: into the cache; "-": standard output
  bool no_unpack = false;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    ProgressLine progress(tool);
    auto options = tool.options<DownloadOptions>(progress.on_progress());
    RTENV_TRY(store.set(options, parsed));
    return output.empty() ? into_cache(parsed, options, progress, tool)
                          : into_file(parsed, std::move(options), progress, tool);
  }

 private:
  [[nodiscard]] Result<int> into_cache(const remote::Uri& parsed, const FetchOptions& options,
                                       ProgressLine& progress, const Tool& tool) const {
    RTENV_TRY(Cache cache, tool.open_cache());
    const bool as_tree = parsed.scheme == remote::Scheme::local ||
                         (pkg::is_remote_archive(parsed.path) && !no_unpack);
    const auto fetched =
        as_tree ? fetch_tree(uri, cache, options) : fetch_file(uri, cache, options);
    progress.clear();
    if (!fetched) return Failure(fetched.error());
    const std::string& path = fetched->path.native();
    tool.output.print(
        {{"uri", parsed.shown()}, {"path", path}, {"from_cache", fetched->from_cache}}, path);
    return 0;
  }

  // Something with the URI's pin may be in it; the output doesn't depend on it otherwise.
  static std::optional<Cache> cache_of_pin(const remote::Uri& parsed, const Tool& tool) {
    const auto root = tool.cache_root();
    if (!parsed.sha256 || !root || !path_kind(*root)) return std::nullopt;
    auto cache = tool.open_cache();
    if (cache) return std::move(*cache);
    log::debug("{}", cache.error().message());
    return std::nullopt;
  }

  [[nodiscard]] Result<int> into_file(const remote::Uri& parsed, DownloadOptions options,
                                      ProgressLine& progress, const Tool& tool) const {
    RTENV_TRY(const bool to_stdout, tool.output.is_standard_output(output, "an object"));
    options.cache = cache_of_pin(parsed, tool);
    const auto fetched = output == "-" ? download_to_descriptor(uri, STDOUT_FILENO, options)
                                       : download(uri, output, options);
    progress.clear();
    if (!fetched) return Failure(fetched.error());
    if (to_stdout) return 0;
    const std::string path = std::filesystem::absolute(output).native();
    tool.output.print({{"uri", parsed.shown()}, {"path", path}, {"sha256", fetched->sha256}}, path);
    return 0;
  }
};

}  // namespace

void register_fetch(const Command& root, Tool& tool) {
  auto state = std::make_shared<FetchCommand>();
  const Command command = add_command(
      root, tool, "fetch",
      "Fetch a URI into the cache, if it is new or has changed, and print its path; or into a file",
      "  rtenv fetch s3://bucket/my_job.zip\n"
      "  rtenv fetch gs://bucket/data.tar.zst -o data.tar.zst\n"
      "  rtenv fetch https://host/lib-1.0-py3-none-any.whl#sha256=9f86d081…\n"
      "  rtenv fetch s3://bucket/my_job.zip --endpoint-url http://minio:9000 --profile team\n"
      "Credentials come from the vendors' own variables and files; `rtenv doctor` says which are "
      "found.");
  command
      .add_option(
          "URI", state->uri,
          "s3:// gs:// azure:// abfss:// http(s):// file:// local:// gcs://; #sha256= pins it")
      .required();
  const Option output_option =
      command
          .add_option(
              "-o,--output", state->output,
              "Write the object to this file instead, which appears when it is complete; - for "
              "standard output")
          .value_name("FILE");
  state->store.limited.add(
      command
          .add_flag("--no-unpack", state->no_unpack,
                    "Don't unpack an archive: print the path of the file")
          .excludes(output_option),
      {InputKind::s3_uri, InputKind::gs_uri, InputKind::azure_uri, InputKind::abfss_uri,
       InputKind::http_uri, InputKind::https_uri, InputKind::file_uri, InputKind::gcs_uri});
  state->store.declare_address(command);
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
