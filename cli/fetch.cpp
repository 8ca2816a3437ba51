#include "envbuild/fetch.hpp"

#include <nlohmann/json.hpp>

#include "base/parallel.hpp"
#include "cli/commands.hpp"
#include "cli/progress.hpp"
#include "cli/store_options.hpp"
#include "pkg/package_name.hpp"

namespace rtenv::cli {
namespace {

struct FetchCommand {
  std::string uri;
  std::string address;
  bool no_unpack = false;
  bool print_path = true;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto parsed, remote::Uri::parse(uri));
    RTENV_TRY(auto cache, tool.open_cache());
    const bool as_tree = parsed.scheme == remote::Scheme::local ||
                         (pkg::is_remote_archive(parsed.path) && !no_unpack);
    Result<envbuild::Fetched> fetched = [&] {
      ProgressLine progress(tool);
      const envbuild::FetchOptions options{.store = store_options(tool, address),
                                           .on_progress = progress.callback(),
                                           .threads = default_threads()};
      return as_tree ? envbuild::fetch_tree(parsed, cache, options)
                     : envbuild::fetch_file(parsed, cache, options);
    }();
    if (!fetched) return Failure(std::move(fetched).error());
    tool.output.print({{"uri", parsed.shown()},
                       {"path", fetched->object.path.native()},
                       {"from_cache", fetched->from_cache}},
                      fetched->object.path.native());
    return 0;
  }
};

}  // namespace

void register_fetch(const Command& root, Tool& tool) {
  auto state = std::make_shared<FetchCommand>();
  const Command command = add_command(
      root, tool, "fetch",
      "Fetch a URI into the cache, if it is new or has changed, and print its path",
      "  rtenv fetch s3://bucket/my_job.zip\n"
      "  rtenv fetch https://host/lib-1.0-py3-none-any.whl#sha256=9f86d081…\n"
      "Credentials come from the vendors' own variables and files; `rtenv doctor` says which are "
      "found.");
  command
      .add_option(
          "URI", state->uri,
          "s3:// gs:// azure:// abfss:// http(s):// file:// local:// gcs://; #sha256= pins it")
      .required();
  command.add_flag("--no-unpack", state->no_unpack,
                   "Don't unpack an archive: print the path of the file");
  command.add_flag("--print-path", state->print_path, "Print the path (the default)");
  add_address_option(command, state->address);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
