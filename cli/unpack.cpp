#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/shown_name.hpp"
#include "base/spooled_input.hpp"
#include "cli/commands.hpp"
#include "cli/entry_list.hpp"
#include "cli/progress.hpp"
#include "cli/store_options.hpp"
#include "cli/unpack_limits.hpp"
#include "rtenv/transfer.hpp"

namespace rtenv::cli {
namespace {

struct UnpackCommand {
  std::string source;
  std::string target;
  StoreFlags store;
  bool strip_top = false;
  bool list_wanted = false;
  UnpackLimitFlags limits;

  [[nodiscard]] Result<Fetched> fetch(const Tool& tool) const;
  template <class Read>
  auto with_archive(const Tool& tool, Read read) const
      -> decltype(read(std::declval<const Path&>()));
  [[nodiscard]] Result<int> print_list(const Tool& tool) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

nlohmann::json summary_json(const Unpacked& summary) {
  return {{"files", summary.files},
          {"directories", summary.directories},
          {"links", summary.links},
          {"total_bytes", summary.total_bytes}};
}

std::string shown_uri(const std::string& text) {
  const auto uri = remote::Uri::parse(text);
  return uri ? uri->shown() : std::string();
}

Result<Fetched> UnpackCommand::fetch(const Tool& tool) const {
  RTENV_TRY(const auto uri, remote::Uri::parse(source));
  ProgressLine progress(tool);
  auto options = tool.options<FetchOptions>(progress.on_progress());
  RTENV_TRY(store.set(options, uri));
  RTENV_TRY(Cache cache, tool.open_cache());
  return fetch_file(source, cache, options);
}

// Calls `read` with the archive's path.
template <class Read>
auto UnpackCommand::with_archive(const Tool& tool, Read read) const
    -> decltype(read(std::declval<const Path&>())) {
  const bool is_input = source == "-";
  const bool is_uri = remote::looks_like_uri(source);
  if (!is_uri)
    RTENV_TRY(store.limited.check(is_input ? InputKind::standard_input : InputKind::file, source));
  if (is_input) {
    RTENV_TRY(const auto input, SpooledInput::read(STDIN_FILENO, tool.cancellation));
    auto result = read(input.path());
    if (!result) return Failure(input.shown(result.error()));
    return result;
  }
  if (!is_uri) return read(Path(source));
  RTENV_TRY(const Fetched archive, fetch(tool));
  auto result = read(archive.path);
  // The user knows nothing of the cache.
  if (!result) return Failure(with_shown_path(result.error(), archive.path, shown_uri(source)));
  return result;
}

Result<int> UnpackCommand::print_list(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(auto options, limits.options(tool, progress));
  options.strip_top = strip_top;
  RTENV_TRY(const auto listed, with_archive(tool, [&](const Path& archive) {
              return list_archive(archive, options);
            }));
  progress.clear();
  const auto as_json = [&] {
    nlohmann::json object = summary_json(listed.summary);
    object["entries"] = entries_json(listed.entries);
    return object;
  };
  tool.output.print_either(as_json, [&] {
    for (const Entry& entry : listed.entries) print_line(name_in_archive(entry));
  });
  return 0;
}

Result<int> UnpackCommand::run(const Tool& tool) const {
  if (list_wanted) return print_list(tool);
  if (target.empty())
    return fail(Errc::invalid_argument, "DEST is missing: the folder to create")
        .hint("--list prints what is in the archive");
  ProgressLine progress(tool);
  RTENV_TRY(auto options, limits.options(tool, progress));
  options.strip_top = strip_top;
  RTENV_TRY(const auto summary, with_archive(tool, [&](const Path& archive) {
              return rtenv::unpack(archive, target, options);
            }));
  progress.clear();
  std::error_code error;
  nlohmann::json object = summary_json(summary);
  object["path"] = std::filesystem::absolute(target, error).native();
  tool.output.print(object, [&] {
    log::info("{} files, {} bytes unpacked into {}", summary.files, summary.total_bytes, target);
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
                  "  tar -c my_job | rtenv unpack - target --strip-top\n"
                  "  rtenv unpack --list my_job.tar.zst");
  command
      .add_option("SRC", state->source,
                  "The archive: a path, a URI as `rtenv fetch` takes it, or - for standard input")
      .required();
  const Option target_option = command.add_option(
      "DEST", state->target, "The folder to create; it must not exist, or be empty");
  command
      .add_flag("--list", state->list_wanted,
                "Print what would be unpacked, one name a line (--json: with sizes), after the "
                "same checks, and write nothing; without DEST")
      .excludes(target_option);
  command.add_flag("--strip-top", state->strip_top,
                   "Leave out the top folder, if it contains everything");
  state->limits.declare(command);
  state->store.declare_address(command);
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
