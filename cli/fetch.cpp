#include "envbuild/fetch.hpp"

#include "base/parallel.hpp"
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
    if (tool.json)
      Tool::print_json({{"uri", parsed.shown()},
                        {"path", fetched->object.path.native()},
                        {"from_cache", fetched->from_cache}});
    else
      Tool::print_line(fetched->object.path.native());
    return 0;
  }
};

}  // namespace

void register_fetch(CLI::App& app, Tool& tool) {
  auto state = std::make_shared<FetchCommand>();
  CLI::App* command = add_command(
      app, tool, "fetch",
      "Fetch what a URI names into the cache, unless it is there unchanged, and print where it is",
      "  rtenv fetch s3://bucket/my_job.zip\n"
      "  rtenv fetch https://host/lib-1.0-py3-none-any.whl#sha256=9f86d081…\n"
      "Credentials come from the vendors' own variables and files; `rtenv doctor` says which are "
      "found.");
  command
      ->add_option(
          "URI", state->uri,
          "s3:// gs:// azure:// abfss:// http(s):// file:// local:// gcs://; #sha256= pins it")
      ->required();
  command->add_flag("--no-unpack", state->no_unpack, "Keep an archive as the file that it is");
  command->add_flag("--print-path", state->print_path,
                    "Print the path: what happens anyway, said aloud in a script");
  add_address_option(*command, state->address);
  command->callback([state, &tool] { tool.command = [state, &tool] { return state->run(tool); }; });
}

}  // namespace rtenv::cli
