#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/nearest.hpp"

namespace rtenv::cli {
namespace {

/// Lists commands without their aliases.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_subcommand(const CLI::App* command) const override {
    std::stringstream out;
    CLI::detail::format_help(out, command->get_name(), command->get_description(), column_width_);
    return out.str();
  }
};

// The innermost command that was named: an unknown option is compared with this command's options.
const CLI::App& deepest_parsed(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest_parsed(*parsed.front());
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// Of the command and of those that it belongs to.
std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent())
    for (const CLI::Option* option : level->get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string unknown_word(const CLI::App& command, const std::string& word) {
  const bool is_option = word.starts_with('-');
  const auto names = is_option ? option_names(command) : command_names(command);
  const std::string_view kind = is_option ? "option" : names.empty() ? "argument" : "command";
  // CLI11 accepts a command's options only after the command's name.
  if (is_option && std::ranges::find(names, word) != names.end())
    return fmt::format("option '{}' must follow its command", word);
  std::string message = fmt::format("unknown {} '{}'", kind, word);
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  if (const auto suggestion = nearest(word, candidates))
    message += fmt::format("; did you mean '{}'?", *suggestion);
  return message;
}

int code(CLI::ExitCodes exit_code) { return static_cast<int>(exit_code); }

std::string message(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error) {
  std::string text = error.what();
  // Its text begins with the option's name: "--scheme: At Most 1 required but received 2".
  if (const auto at_most = text.find(": At Most 1 "); at_most != std::string::npos)
    return fmt::format("option '{}' is given more than once", text.substr(0, at_most));
  constexpr std::string_view k_excludes = " excludes ";  // "--port excludes --listen"
  if (const auto at = text.find(k_excludes);
      error.get_exit_code() == code(CLI::ExitCodes::ExcludesError) && at != std::string::npos)
    return fmt::format("{} and {} exclude each other", text.substr(0, at),
                       text.substr(at + k_excludes.size()));
  // A word that wasn't understood explains a missing one, too, but not an invalid value; words
  // behind "--" belong to the job's command.
  const auto remaining = app.remaining(true);
  const bool is_invalid_value = error.get_exit_code() == code(CLI::ExitCodes::ValidationError) ||
                                error.get_exit_code() == code(CLI::ExitCodes::ConversionError);
  if (is_invalid_value || remaining.empty() || remaining.front() == "--") return text;
  return unknown_word(command, remaining.front().substr(0, remaining.front().find('=')));
}

UsageError usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = deepest_parsed(app);
  std::string path = command.get_name();
  for (const CLI::App* parent = command.get_parent(); parent != nullptr;
       parent = parent->get_parent())
    path.insert(0, parent->get_name() + " ");
  return {message(app, command, error), path + " --help"};
}

template <class T>
struct Number {
  using Type = T;
};
template <class T>
struct Number<std::optional<T>> {
  using Type = T;
};

// CLI11 takes -1 for the largest number.
std::string refuse_negative(const std::string& text) {
  return text.find('-') == std::string::npos ? std::string()
                                             : fmt::format("{} isn't 0 or more", text);
}

// CLI11's own messages name neither the value nor what it should be.
template <class T>
std::string refuse_non_number(const std::string& text) {
  if (std::unsigned_integral<T> && text.starts_with('-')) return refuse_negative(text);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return fmt::format("{} is too large", text);
  if (error == std::errc() && end == text.data() + text.size()) return {};
  return fmt::format("'{}' isn't a {}number", text, std::integral<T> ? "whole " : "");
}

// An unset variable in a script must not be taken for an option that wasn't given.
std::string refuse_empty(const std::string& text) {
  return text.empty() ? "the value is empty" : std::string();
}

}  // namespace

Option Option::value_name(const char* name) const {
  option_->type_name(name);
  return *this;
}

Option Option::required() const {
  option_->required();
  return *this;
}

Option Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}

Option Option::one_of(const std::vector<std::string>& allowed) const {
  const auto listed = [&](const char* separator) {
    return fmt::format("{}", fmt::join(allowed, separator));
  };
  option_->type_name("{" + listed(",") + "}");
  option_->check(CLI::Validator(
      [allowed, list = listed(", ")](const std::string& text) {
        return std::ranges::find(allowed, text) != allowed.end()
                   ? std::string()
                   : fmt::format("'{}' isn't one of {}", text, list);
      },
      ""));
  return *this;
}

Option Option::in_range(int min, int max) const {
  option_->check(CLI::Validator(
      [min, max](const std::string& text) {
        int value = 0;  // add_option refuses what isn't a number
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value >= min && value <= max ? std::string()
                                            : fmt::format("'{}' isn't in {} to {}", text, min, max);
      },
      ""));
  option_->description(fmt::format("{} ({} to {})", option_->get_description(), min, max));
  return *this;
}

Option Option::not_negative() const {
  option_->check(CLI::Validator(refuse_negative, ""));
  return *this;
}

Option Option::one_value_each() const {
  option_->allow_extra_args(false);
  return *this;
}

Option Option::show_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::show_default(const std::string& text) const {
  option_->default_str(text);
  return *this;
}

Option Option::hidden() const {
  option_->group("");
  return *this;
}

std::string Option::name() const { return option_->get_name(); }

bool Option::is_given() const { return option_->count() > 0; }

Command Command::add_group(const char* name, const char* description) const {
  CLI::App* group = app_->add_subcommand(name, description);
  group->require_subcommand(1);
  return {*group, *chosen_};
}

Command Command::add_command(const char* name, const char* description, const char* example) const {
  CLI::App* command = app_->add_subcommand(name, description);
  command->footer(std::string("Example:\n") + example + "\n");
  return {*command, *chosen_};
}

Command Command::alias(const char* name) const {
  app_->alias(name);
  return *this;
}

Option Command::add_flag(const char* names, bool& value, const char* description) const {
  return Option(*app_->add_flag(names, value, description));
}

template <OptionValue T>
Option Command::add_option(const char* names, T& value, const char* description) const {
  CLI::Option* const option = app_->add_option(names, value, description);
  using Value = typename Number<T>::Type;
  if constexpr (std::is_arithmetic_v<Value>)
    option->check(CLI::Validator(refuse_non_number<Value>, ""));
  else if constexpr (std::same_as<Value, std::string>)
    option->check(CLI::Validator(refuse_empty, ""));
  return Option(*option);
}

template Option Command::add_option(const char*, std::string&, const char*) const;
template Option Command::add_option(const char*, std::optional<std::string>&, const char*) const;
template Option Command::add_option(const char*, std::vector<std::string>&, const char*) const;
template Option Command::add_option(const char*, std::uint16_t&, const char*) const;
template Option Command::add_option(const char*, unsigned&, const char*) const;
template Option Command::add_option(const char*, std::uint64_t&, const char*) const;
template Option Command::add_option(const char*, std::optional<unsigned>&, const char*) const;
template Option Command::add_option(const char*, std::optional<std::int64_t>&, const char*) const;
template Option Command::add_option(const char*, std::optional<std::uint64_t>&, const char*) const;
template Option Command::add_option(const char*, std::optional<double>&, const char*) const;

void Command::add_program(const char* name, std::vector<std::string>& words,
                          const char* description) const {
  app_->add_option(name, words, description)->required();
  app_->positionals_at_end();
}

void Command::set_action(Action action) const {
  app_->callback([chosen = chosen_, action = std::move(action)] { *chosen = action; });
}

CommandLine::CommandLine(const char* name, const char* description, const char* footer)
    : app_(std::make_unique<CLI::App>(description, name)) {
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->footer(footer);
  app_->require_subcommand(1);
  // Options of the tool are accepted behind the command, too. Commands inherit this.
  app_->fallthrough();
}

CommandLine::~CommandLine() = default;

void CommandLine::set_version(const char* text) { app_->set_version_flag("--version", text); }

Command CommandLine::root() { return {*app_, chosen_}; }

std::string CommandLine::help() const { return app_->help(); }

Parsed CommandLine::parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // as CLI11 takes them
  try {
    app_->parse(std::move(words));
  } catch (const CLI::Success& request) {  // --help, --version
    std::ostringstream text;
    app_->exit(request, text, text);
    return RequestedText{text.str()};
  } catch (const CLI::ParseError& error) {
    return usage_error(*app_, error);
  }
  return chosen_;
}

}  // namespace rtenv::cli
