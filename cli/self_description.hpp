// What scripts ask the tool about itself: shells, to complete words (completion.hpp), and the
// build, for the man pages (man_page.hpp). Nothing else of the tool is set up for that.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/environment.hpp"
#include "cli/command_line.hpp"

namespace rtenv::cli {

/// The answer to `words` if they begin with __complete or __man, else nullopt.
std::optional<Parsed> describe_self(const CommandLine& command_line,
                                    const std::vector<std::string>& words,
                                    const Environment& environment);

}  // namespace rtenv::cli
