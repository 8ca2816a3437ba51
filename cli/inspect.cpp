#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/shown_name.hpp"
#include "base/spooled_input.hpp"
#include "cli/commands.hpp"
#include "cli/entry_list.hpp"
#include "cli/unpack_limits.hpp"
#include "pkg/package_stats.hpp"

namespace rtenv::cli {
namespace {

std::string verdict(const Inspection& inspection) {
  const Package& content = inspection.content;
  if (!inspection.matches_name)
    return fmt::format("its name has no digest; as a package it would be called {}", content.name);
  if (*inspection.matches_name) return "verified";
  std::string text =
      fmt::format("the content does NOT match the name; it should be called {}", content.name);
  if (content.scheme == Scheme::ray)
    text +=
        " (or the directory had dangling links, sockets, or folders in which everything is "
        "excluded: Ray's digest includes their names, and the zip doesn't have them)";
  return text;
}

void print_entry(const Entry& entry) {
  const bool is_link = entry.type == EntryType::link;
  print_line(fmt::format("{:>12}  {:<10}  {}{}", entry.size_bytes, type_name(entry),
                         shown_name(entry.path),
                         is_link ? " -> " + shown_name(entry.link_target) : ""));
}

struct InspectCommand {
  std::string package;
  UnpackLimitFlags limits;

  [[nodiscard]] Result<Inspection> inspect(const Tool& tool) const;
  [[nodiscard]] Result<int> run(const Tool& tool) const;
};

Result<Inspection> InspectCommand::inspect(const Tool& tool) const {
  ProgressLine progress(tool);
  RTENV_TRY(const auto options, limits.options(tool, progress));
  if (package != "-") return rtenv::inspect(package, options);
  RTENV_TRY(const auto input, SpooledInput::read(STDIN_FILENO, tool.cancellation));
  auto inspection = rtenv::inspect(input.path(), options);
  if (!inspection) return Failure(input.shown(inspection.error()));
  return inspection;
}

Result<int> InspectCommand::run(const Tool& tool) const {
  const pkg::StepTimer timer;
  RTENV_TRY(const auto inspection, inspect(tool));
  const Package& content = inspection.content;
  log::debug("read {} entries with {} bytes from {} bytes in {:.3f} s", content.entries.size(),
             content.content_bytes, content.packed_bytes, timer.passed().count());
  const auto as_json = [&] {
    return nlohmann::json{{"entries", entries_json(content.entries)},
                          {"total_bytes", content.content_bytes},
                          {"package_bytes", content.packed_bytes},
                          {"name", content.name},
                          {"verifies", inspection.matches_name.value_or(false)}};
  };
  tool.output.print_either(as_json, [&] {
    for (const Entry& entry : content.entries) print_entry(entry);
    print_line(fmt::format("{} entries, {} bytes, {} packed; {}", content.entries.size(),
                           content.content_bytes, content.packed_bytes, verdict(inspection)));
  });
  return inspection.matches_name.value_or(true) ? 0 : 1;
}

}  // namespace

void register_inspect(const Command& root, Tool& tool) {
  auto state = std::make_shared<InspectCommand>();
  const Command command =
      add_command(root, tool, "inspect",
                  "List a package, or another archive that `rtenv unpack` takes, and check it "
                  "against its checksums and its name (exit 1: the content doesn't match the name)",
                  "  rtenv inspect _ray_pkg_0f3a….zip\n"
                  "  curl -s https://example.org/job.tar.gz | rtenv inspect -");
  command.add_option("PKG", state->package, "The package; - for standard input").required();
  state->limits.declare(command);
  command.set_action([state, &tool] { return state->run(tool); });
}

}  // namespace rtenv::cli
