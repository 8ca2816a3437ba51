#include "cli/self_description.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/decimal.hpp"
#include "base/text.hpp"
#include "cli/completion.hpp"
#include "cli/man_page.hpp"

namespace rtenv::cli {
namespace {

RequestedText lines(const std::vector<std::string>& all) {
  return {all.empty() ? std::string() : fmt::format("{}\n", fmt::join(all, "\n"))};
}

// Today, or what a reproducible build says instead.
std::string date(const Environment& environment) {
  using namespace std::chrono;
  const auto epoch = parse_decimal(environment.find("SOURCE_DATE_EPOCH").value_or(""));
  const sys_seconds time{epoch ? seconds(*epoch) : seconds(unix_ms() / 1000)};
  const year_month_day day{floor<days>(time)};
  return fmt::format("{}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

Parsed man(const CommandDescription& tool, const std::vector<std::string>& words,
           const Environment& environment) {
  if (words == std::vector<std::string>{"--list"}) return lines(page_names(tool));
  const auto path = find_command(tool, words);
  if (path.empty())
    return UsageError{fmt::format("unknown command '{}'", shell_join(words)), "rtenv --help"};
  return RequestedText{man_page(path, {.version = RTENV_VERSION, .date = date(environment)})};
}

}  // namespace

std::optional<Parsed> describe_self(const CommandLine& command_line,
                                    const std::vector<std::string>& words,
                                    const Environment& environment) {
  if (words.empty() || (words.front() != k_complete && words.front() != k_man)) return std::nullopt;
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  const CommandDescription tool = command_line.describe();
  if (words.front() == k_complete) return lines(completions(tool, rest));
  return man(tool, rest, environment);
}

}  // namespace rtenv::cli
