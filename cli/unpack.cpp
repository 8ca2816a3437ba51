#include "pkg/unpack.hpp"

#include <nlohmann/json.hpp>

#include "base/processors.hpp"
#include "base/spooled_input.hpp"
#include "cli/byte_size.hpp"
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
  std::string max_size = "64GiB";
  std::uint64_t max_entries = pkg::UnpackLimits().max_entries;
  std::uint64_t max_ratio = pkg::UnpackLimits().max_ratio;

  [[nodiscard]] Result<pkg::UnpackOptions> options(const Tool& tool) const;
  [[nodiscard]] Result<envbuild::LeasedPath> fetch(const Tool& tool) const;
  [[nodiscard]] Result<pkg::UnpackSummary> unpack(const Tool& tool) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<pkg::UnpackOptions> UnpackCommand::options(const Tool& tool) const {
  auto bytes = parse_byte_size(max_size);
  if (!bytes) return Failure(std::move(bytes).error().within("--max-size"));
  if (max_ratio == 0) return fail(Errc::invalid_argument, "--max-ratio must be at least 1");
  return pkg::UnpackOptions{
      .limits = {.max_total_bytes = *bytes,
                 .max_entries = max_entries,
                 .max_ratio = max_ratio,
                 .hint =
                     "if you trust the archive, raise --max-size, --max-entries or --max-ratio"},
      .strip_top = strip_top,
      .modes = pkg::Modes::minus_umask,
      .threads = default_threads(),
      .cancellation = tool.cancellation};
}

Result<envbuild::LeasedPath> UnpackCommand::fetch(const Tool& tool) const {
  RTENV_TRY(const auto uri, remote::Uri::parse(source));
  RTENV_TRY(const auto store_options, store.options(tool, uri));
  RTENV_TRY(auto cache, tool.open_cache());
  ProgressLine progress(tool);
  RTENV_TRY(auto fetched,
            envbuild::fetch_file(uri, cache,
                                 {.store = store_options, .on_progress = progress.callback()}));
  return std::move(fetched.object);
}

Result<pkg::UnpackSummary> UnpackCommand::unpack(const Tool& tool) const {
  RTENV_TRY(const auto unpack_options, options(tool));
  const bool is_input = source == "-";
  const bool is_uri = remote::looks_like_uri(source);
  if (!is_uri)
    RTENV_TRY(store.limited.check(is_input ? InputKind::standard_input : InputKind::file, source));
  if (is_input) {
    RTENV_TRY(const auto input, SpooledInput::read(tool.cancellation));
    auto summary = pkg::unpack(input.path(), target, unpack_options);
    if (!summary) return Failure(input.shown(summary.error()));
    return summary;
  }
  if (!is_uri) return pkg::unpack(source, target, unpack_options);
  RTENV_TRY(const auto archive, fetch(tool));
  return pkg::unpack(archive.path, target, unpack_options);
}

Result<int> UnpackCommand::run(const Tool& tool) const {
  RTENV_TRY(const auto summary, unpack(tool));
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

}  // namespace

void register_unpack(const Command& root, Tool& tool) {
  auto state = std::make_shared<UnpackCommand>();
  const Command command =
      add_command(root, tool, "unpack",
                  "Unpack an archive (zip, whl, jar, tar.gz/xz/bz2/zst) safely, all or nothing",
                  "  rtenv unpack _ray_pkg_0f3a….zip target\n"
                  "  rtenv unpack s3://bucket/my_job.zip target\n"
                  "  tar -c my_job | rtenv unpack - target --strip-top");
  command
      .add_option("SRC", state->source,
                  "The archive: a path, a URI as `rtenv fetch` takes it, or - for standard input")
      .required();
  command.add_option("DEST", state->target, "The folder to create; it must not exist, or be empty")
      .required();
  command.add_flag("--strip-top", state->strip_top,
                   "Leave out the top folder, if it contains everything");
  command
      .add_option("--max-size", state->max_size,
                  "Refuse an archive that unpacks to more (1024-based: K M G T)")
      .value_name("SIZE")
      .show_default();
  command
      .add_option("--max-entries", state->max_entries,
                  "Refuse an archive with more files, folders and links")
      .value_name("N")
      .show_default();
  command
      .add_option("--max-ratio", state->max_ratio,
                  "Refuse an archive that unpacks to more than N times its own size, and to more "
                  "than 1 GiB")
      .value_name("N")
      .show_default();
  state->store.declare_address(command);
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
