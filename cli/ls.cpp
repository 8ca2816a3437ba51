#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "base/text.hpp"
#include "cli/cache_row.hpp"
#include "cli/commands.hpp"
#include "cli/optional_json.hpp"
#include "cli/store_options.hpp"
#include "rtenv/transfer.hpp"

namespace rtenv::cli {
namespace {

// An object's name may have any character.
std::string on_one_line(std::string_view name) {
  std::string shown;
  for (const char c : terminal_text(name)) {
    if (c == '\n' || c == '\t')
      shown += c == '\n' ? "\\x0a" : "\\x09";
    else
      shown += c;
  }
  return shown;
}

std::string line_of(const StoredObject& object) {
  const std::string time = object.modified_ms ? local_time(*object.modified_ms) : "-";
  return fmt::format("{:<19}  {:>10}  {}", time, format_byte_size(object.size_bytes),
                     on_one_line(object.uri));
}

nlohmann::json to_json(const StoredObject& object) {
  return {{"uri", object.uri},
          {"size_bytes", object.size_bytes},
          {"modified_ms", json_or_null(object.modified_ms)}};
}

struct LsCommand {
  std::string uri;
  StoreFlags store;

  [[nodiscard]] Result<int> run(const Tool& tool) const {
    RTENV_TRY(const auto prefix, remote::Uri::parse(uri));
    auto options = tool.options<FetchOptions>();
    RTENV_TRY(store.set(options, prefix));
    bool is_empty = true;
    // Each page is printed when it arrives.
    const auto print = [&](const StoredObject& object) -> Result<void> {
      is_empty = false;
      if (tool.output.json)
        tool.output.print_json(to_json(object));
      else
        print_line(line_of(object));
      return {};
    };
    RTENV_TRY(list_objects(uri, print, options));
    // A bucket may be empty, but who names a prefix expects something.
    if (is_empty && !prefix.path.empty())
      return fail(Errc::not_found, "no object's name begins with {}", prefix.shown());
    return 0;
  }
};

}  // namespace

void register_ls(const Command& root, Tool& tool) {
  auto state = std::make_shared<LsCommand>();
  const Command command = add_command(
      root, tool, "ls", "List a store's objects whose names begin as the URI does",
      "  rtenv ls s3://bucket/jobs/\n"
      "  rtenv ls gs://bucket/jobs/my_job --json       one JSON object per line\n"
      "  rtenv ls s3://public-data/ --no-sign-request --region eu-central-1\n"
      "Each line has the time of the last change, the size and the URI. Objects in all folders "
      "below are listed, as they arrive: however many they are, they take no memory.");
  command
      .add_option("URI", state->uri,
                  "s3:// gs:// azure:// abfss:// file://; web servers and job servers have no list")
      .required();
  state->store.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
