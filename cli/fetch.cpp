#include "envbuild/fetch.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/path_kind.hpp"
#include "base/processors.hpp"
#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "cli/store_options.hpp"
#include "envbuild/fetch_to.hpp"
#include "pkg/package_name.hpp"

namespace rtenv::cli {
namespace {

struct FetchCommand {
  std::string uri;
  StoreFlags store;
  std::string output;  // empty: into the cache; "-": standard output
  bool no_unpack = false;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(const auto options, store.options(tool, parsed));
    return output.empty() ? into_cache(parsed, options, tool) : into_file(parsed, options, tool);
  }

 private:
  static envbuild::FetchOptions shown(const remote::StoreOptions& options, ProgressLine& progress) {
    return {.store = options, .on_progress = progress.callback(), .threads = default_threads()};
  }

  [[nodiscard]] Result<int> into_cache(const remote::Uri& parsed,
                                       const remote::StoreOptions& options,
                                       const Tool& tool) const {
    RTENV_TRY(auto cache, tool.open_cache());
    const bool as_tree = parsed.scheme == remote::Scheme::local ||
                         (pkg::is_remote_archive(parsed.path) && !no_unpack);
    Result<envbuild::Fetched> fetched = [&] {
      ProgressLine progress(tool);
      return as_tree ? envbuild::fetch_tree(parsed, cache, shown(options, progress))
                     : envbuild::fetch_file(parsed, cache, shown(options, progress));
    }();
    if (!fetched) return Failure(std::move(fetched).error());
    tool.output.print({{"uri", parsed.shown()},
                       {"path", fetched->object.path.native()},
                       {"from_cache", fetched->from_cache}},
                      fetched->object.path.native());
    return 0;
  }

  // Something with the URI's pin may be in it; the output doesn't depend on it otherwise.
  static std::optional<cache::Cache> cache_of_pin(const remote::Uri& parsed, const Tool& tool) {
    const auto root = tool.cache_root();
    if (!parsed.sha256 || !root || !path_kind(*root)) return std::nullopt;
    auto cache = tool.open_cache();
    if (cache) return std::move(*cache);
    log::debug("{}", cache.error().message());
    return std::nullopt;
  }

  [[nodiscard]] Result<int> into_file(const remote::Uri& parsed,
                                      const remote::StoreOptions& options, const Tool& tool) const {
    const bool to_stdout = output == "-" || OutputFile::is_standard(output);
    if (to_stdout && tool.output.json)
      return fail(Errc::invalid_argument,
                  "-o {} and --json exclude each other: both write to standard output", output);
    if (to_stdout && ::isatty(STDOUT_FILENO) == 1)
      return fail(Errc::invalid_argument, "an object can't be written to a terminal")
          .hint("redirect standard output, or give a file to -o");
    constexpr auto k_when = OutputFile::Streams::by_commit;
    RTENV_TRY(OutputFile file, output == "-"
                                   ? OutputFile::standard(tool.cancellation, k_when)
                                   : OutputFile::create(output, tool.cancellation, k_when));
    auto cache = cache_of_pin(parsed, tool);
    const auto fetched = [&] {
      ProgressLine progress(tool);
      return envbuild::fetch_to(parsed, file, cache ? &*cache : nullptr, shown(options, progress));
    }();
    if (!fetched) return Failure(fetched.error());
    RTENV_TRY(file.commit());
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
