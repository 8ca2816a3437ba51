// Shell completion: what can stand at the cursor. The functions in completions/ call
// `rtenv __complete WORD…` for it and know nothing about the commands themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_description.hpp"

namespace rtenv::cli {

/// Not for users, so it isn't in the help.
inline constexpr std::string_view k_complete = "__complete";

/// `words`: those behind the tool's name up to the cursor; the last one, which may be empty, is to
/// be completed. Returns lines: candidates for the whole word, each followed by a tab and a short
/// description if there is one; or what the shell has to complete by itself, ":files" (of any
/// kind), ":dirs" or ":programs". Behind "--option=", they complete what follows.
std::vector<std::string> completions(const CommandDescription& tool,
                                     const std::vector<std::string>& words);

}  // namespace rtenv::cli
