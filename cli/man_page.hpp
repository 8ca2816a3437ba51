// Man pages, man(7), of the tool and of each command. The build makes them by `rtenv __man`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_description.hpp"

namespace rtenv::cli {

/// Not for users, so it isn't in the help.
inline constexpr std::string_view k_man = "__man";

struct Edition {
  std::string version;
  std::string date;  // 2026-12-01
};

/// The tool, or a command of a group, as "rtenv env build": all that have a page.
std::vector<std::string> page_names(const CommandDescription& tool);

/// `path`: the tool, then a command, then a command of that. Requires: not empty.
std::string man_page(const std::vector<const CommandDescription*>& path, const Edition& edition);

/// The way to the command that `words` name; empty if there is no such command.
std::vector<const CommandDescription*> find_command(const CommandDescription& tool,
                                                    const std::vector<std::string>& words);

}  // namespace rtenv::cli
