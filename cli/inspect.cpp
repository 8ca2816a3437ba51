#include "pkg/inspect.hpp"

#include <algorithm>

#include "base/parallel.hpp"
#include "cli/tool.hpp"

namespace rtenv::cli {
namespace {

const char* type_name(const pkg::Entry& entry) {
  switch (entry.type) {
    case pkg::EntryType::directory: return "directory";
    case pkg::EntryType::link: return "link";
    default: return entry.executable ? "executable" : "file";
  }
}

std::string verdict(const pkg::Inspection& inspection) {
  if (!inspection.name)
    return fmt::format("its name says no content; it should be {}",
                       inspection.computed->file_name());
  if (inspection.verifies()) return "verified";
  std::string text =
      fmt::format("NOT what its name says: it should be {}", inspection.computed->file_name());
  if (inspection.name->scheme() == pkg::Scheme::ray)
    text +=
        " (or its directory had links to nothing or sockets, which Ray's names count and no zip "
        "holds)";
  return text;
}

Result<int> run(const std::string& package, const Tool& tool) {
  RTENV_TRY(const auto inspection, pkg::inspect(package, default_threads()));
  std::uint64_t total_bytes = 0;
  nlohmann::json entries = nlohmann::json::array();
  for (const pkg::Entry& entry : inspection.entries) {
    total_bytes += entry.size_bytes;
    if (tool.json) {
      entries.push_back(
          {{"path", entry.path}, {"type", type_name(entry)}, {"size_bytes", entry.size_bytes}});
      if (entry.type == pkg::EntryType::link) entries.back()["target"] = entry.link_target;
    } else {
      Tool::print_line(
          fmt::format("{:>12}  {:<10}  {}{}", entry.size_bytes, type_name(entry), entry.path,
                      entry.type == pkg::EntryType::link ? " -> " + entry.link_target : ""));
    }
  }
  if (tool.json)
    Tool::print_json({{"entries", std::move(entries)},
                      {"total_bytes", total_bytes},
                      {"package_bytes", inspection.package_bytes},
                      {"name", inspection.computed->file_name()},
                      {"verifies", inspection.verifies()}});
  else
    Tool::print_line(fmt::format("{} entries, {} bytes, {} packed; {}", inspection.entries.size(),
                                 total_bytes, inspection.package_bytes, verdict(inspection)));
  return inspection.name && !inspection.verifies() ? 1 : 0;
}

}  // namespace

void register_inspect(CLI::App& app, Tool& tool) {
  auto package = std::make_shared<std::string>();
  CLI::App* command = add_command(app, tool, "inspect",
                                  "List a package and check it against its checksums and its name "
                                  "(exit 1: it isn't what its name says)",
                                  "  rtenv inspect _ray_pkg_0f3a….zip");
  command->add_option("PKG", *package, "The package")->required();
  command->callback(
      [package, &tool] { tool.command = [package, &tool] { return run(*package, tool); }; });
}

}  // namespace rtenv::cli
