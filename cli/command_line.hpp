// The command line: commands, their options, and what the words given to the tool mean. A facade of
// CLI11, whose headers take seconds to compile and are included by command_line.cpp and
// command_description.cpp only.
//
// Commands and options are declared first, with references to the variables that take the values;
// parse() then fills the variables and returns the chosen command's action. Not thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace rtenv::cli {

/// A command's implementation; returns the exit status.
using Action = std::function<Result<int>()>;

struct CommandDescription;

/// The types that an option's variable can have.
template <class T>
concept OptionValue = std::same_as<T, std::string> || std::same_as<T, std::optional<std::string>> ||
    std::same_as<T, std::vector<std::string>> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, unsigned> || std::same_as<T, std::uint64_t> ||
    std::same_as<T, std::optional<unsigned>> || std::same_as<T, std::optional<std::int64_t>> ||
    std::same_as<T, std::optional<std::uint64_t>> || std::same_as<T, std::optional<double>>;

/// A declared option, to refine it. A handle: valid as long as its CommandLine.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  /// The value's name in the help, such as FILE.
  Option value_name(const char* name) const;
  Option required() const;
  /// Not together with `other`.
  Option excludes(const Option& other) const;
  /// The help shows these values in place of a name, {slow,fast}.
  Option one_of(const std::vector<std::string>& allowed) const;
  /// The help says so behind the description.
  Option in_range(int min, int max) const;
  Option not_negative() const;
  /// Of a list: each occurrence of the option takes one value, not all words that follow.
  Option one_value_each() const;
  /// The help shows the variable's value as the default.
  Option show_default() const;
  Option show_default(const std::string& text) const;
  /// Not in the help.
  Option hidden() const;

  /// As in messages: "--output".
  [[nodiscard]] std::string name() const;
  /// Whether the command line had it; after parsing.
  [[nodiscard]] bool is_given() const;

 private:
  CLI::Option* option_;
};

/// A declared command or group of commands. A handle: valid as long as its CommandLine.
class Command {
 public:
  Command(CLI::App& app, Action& chosen) : app_(&app), chosen_(&chosen) {}

  /// A command that must be followed by one of its own commands.
  [[nodiscard]] Command add_group(const char* name, const char* description) const;
  /// `example` stands at the end of the command's help.
  [[nodiscard]] Command add_command(const char* name, const char* description,
                                    const char* example) const;
  /// A second name, which the help doesn't show.
  Command alias(const char* name) const;

  /// `names`: "-q,--quiet". `value` becomes true if the flag is given; it must outlive the parsing.
  Option add_flag(const char* names, bool& value, const char* description) const;
  /// `names`: "-o,--output", or one without dashes for a positional argument. `value` must outlive
  /// the parsing.
  template <OptionValue T>
  Option add_option(const char* names, T& value, const char* description) const;
  /// The program to run and its arguments: all words after "--", or from the first word that is
  /// neither an option nor an option's value.
  void add_program(const char* name, std::vector<std::string>& words,
                   const char* description) const;

  void set_action(Action action) const;

 private:
  CLI::App* app_;
  Action* chosen_;
};

/// Text that --help or --version requested.
struct RequestedText {
  std::string text;
};

/// The error of an invalid command line.
struct UsageError {
  std::string message;
  std::string hint;
};

/// What a command line asks for.
using Parsed = std::variant<Action, RequestedText, UsageError>;

class CommandLine {
 public:
  CommandLine(const char* name, const char* description, const char* footer);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  /// The output of --version.
  void set_version(const char* text);
  /// The tool itself, to add options and commands to. One command is required.
  [[nodiscard]] Command root();
  [[nodiscard]] std::string help() const;
  /// All that is declared, without what the help hides.
  [[nodiscard]] CommandDescription describe() const;
  /// `words`: without the program's name. To be called once.
  [[nodiscard]] Parsed parse(std::vector<std::string> words);

 private:
  std::unique_ptr<CLI::App> app_;
  Action chosen_;
};

}  // namespace rtenv::cli
