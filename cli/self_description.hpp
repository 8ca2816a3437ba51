// What scripts ask the tool about itself: shells, to complete words (completion.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace rtenv::cli {

/// The answer to `words` if they begin with __complete, else nullopt.
std::optional<Parsed> describe_self(const CommandLine& command_line,
                                    const std::vector<std::string>& words);

}  // namespace rtenv::cli
