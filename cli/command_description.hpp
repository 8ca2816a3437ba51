// What a command line consists of, as plain data: for whatever describes the tool, such as shell
// completion and man pages. CommandLine::describe() makes it from the declared commands, so it is
// never stale. Options that the help hides aren't in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rtenv::cli {

struct OptionDescription {
  std::vector<std::string> names;  // "--output", "-o": the long one first; of an argument: "DIR"
  std::string value_name;          // "FILE"; empty for a flag, and if there are choices
  std::vector<std::string> choices;
  std::string description;
  std::string default_value;
  std::vector<std::string> excludes;  // "--list"
  bool is_required = false;
  bool is_repeatable = false;

  [[nodiscard]] bool takes_value() const { return !value_name.empty() || !choices.empty(); }
};

struct CommandDescription {
  std::string name;
  std::vector<std::string> aliases;
  std::string description;
  std::string footer;  // "Example:" and lines
  std::vector<OptionDescription> options;
  std::vector<OptionDescription> arguments;
  bool runs_program = false;  // the last argument is a program's words
  std::vector<CommandDescription> commands;
};

/// The beginning of a description, without what goes into details.
std::string_view summary(std::string_view description);

}  // namespace rtenv::cli
