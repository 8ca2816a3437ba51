#include "cli/self_description.hpp"

#include <fmt/format.h>

#include "cli/completion.hpp"

namespace rtenv::cli {
namespace {

RequestedText lines(const std::vector<std::string>& all) {
  return {all.empty() ? std::string() : fmt::format("{}\n", fmt::join(all, "\n"))};
}

}  // namespace

std::optional<Parsed> describe_self(const CommandLine& command_line,
                                    const std::vector<std::string>& words) {
  if (words.empty() || words.front() != k_complete) return std::nullopt;
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  const CommandDescription tool = command_line.describe();
  return lines(completions(tool, rest));
}

}  // namespace rtenv::cli
