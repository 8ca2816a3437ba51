#include "cli/man_page.hpp"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/roff.hpp"

namespace rtenv::cli {
namespace {

using Path = std::vector<const CommandDescription*>;

std::string joined(const Path& path, std::string_view separator) {
  std::string name;
  for (const CommandDescription* command : path)
    name += (name.empty() ? "" : std::string(separator)) + command->name;
  return name;
}

std::string reference(const Path& path) { return roff::bold(joined(path, "-")) + "(1)"; }

std::string section(std::string_view heading, std::string_view text) {
  return text.empty() ? std::string() : fmt::format(".SH {}\n{}", heading, text);
}

std::string item(std::string_view term, std::string_view text) {
  return fmt::format(".TP\n{}\n{}\n", term, text);
}

std::string joined_items(const std::vector<std::string>& items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

// "FILE", or "xxh3|ray|sha256"
std::string value(const OptionDescription& option) {
  std::vector<std::string> choices;
  for (const std::string& choice : option.choices) choices.push_back(roff::bold(choice));
  return choices.empty() ? roff::italic(option.value_name) : joined_items(choices, "|");
}

// "-o, --output FILE"
std::string term(const OptionDescription& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.insert(names.begin(), roff::bold(name));
  return joined_items(names, ", ") + (option.takes_value() ? " " + value(option) : "");
}

// "[DIR]", "KEY..."
std::string argument_term(const OptionDescription& argument) {
  const std::string name = roff::italic(argument.names.front());
  const std::string all = argument.is_repeatable ? name + "..." : name;
  return argument.is_required ? all : "[" + all + "]";
}

std::string details(const OptionDescription& option) {
  std::string text = option.description;
  if (!option.default_value.empty()) text += fmt::format(" [default: {}]", option.default_value);
  if (!option.excludes.empty())
    text += fmt::format(" (not with {})", fmt::join(option.excludes, ", "));
  return roff::prose(text);
}

std::string synopsis(const Path& path) {
  const CommandDescription& command = *path.back();
  std::string text = roff::bold(joined(path, " ")) + " [" + roff::italic("OPTION") + "...]";
  if (!command.commands.empty()) text += " " + roff::italic("COMMAND");
  if (command.runs_program) text += " [" + roff::bold("--") + "]";
  for (const OptionDescription& argument : command.arguments) text += " " + argument_term(argument);
  return text + "\n";
}

std::string commands(const Path& path) {
  std::string text;
  for (const CommandDescription& command : path.back()->commands) {
    Path its_path = path;
    its_path.push_back(&command);
    text += item(reference(its_path), roff::prose(summary(command.description)));
  }
  return text;
}

std::string arguments(const CommandDescription& command) {
  std::string text;
  for (const OptionDescription& argument : command.arguments)
    text += item(argument_term(argument), details(argument));
  return text;
}

std::string options(const Path& path) {
  std::string text;
  for (const OptionDescription& option : path.back()->options)
    text += item(term(option), details(option));
  if (path.size() == 1) return text;
  std::vector<std::string> names;
  for (const OptionDescription& option : path.front()->options)
    if (option.names.front() != "--help" && option.names.front() != "--version")
      names.push_back(roff::bold(option.names.front()));
  return text + ".PP\nThe options of " + reference({path.front()}) +
         " may be given, too: " + joined_items(names, ", ") + ".\n";
}

constexpr std::string_view k_exit_status = "Exit status: ";

// Of a footer: indented lines are examples, which stay as they are; the others are sentences.
std::string examples(const CommandDescription& command) {
  std::string text;
  bool in_example = false;
  for (const std::string_view line : split(trim_end(command.footer), '\n')) {
    if (line == "Example:" || line.empty()) continue;
    const bool is_example = line.starts_with("  ");
    if (is_example != in_example)
      text += !is_example ? ".fi\n.PP\n" : text.empty() ? ".nf\n" : ".PP\n.nf\n";
    in_example = is_example;
    text += (is_example ? roff::literal(line.substr(2)) : roff::prose(line)) + "\n";
  }
  return in_example ? text + ".fi\n" : text;
}

std::string exit_status(const CommandDescription& tool) {
  const auto begin = tool.footer.find(k_exit_status);
  if (begin == std::string::npos) return {};
  return roff::prose(trim(tool.footer.substr(begin + k_exit_status.size()))) + "\n";
}

// What descriptions mention: the word, and the options that do so.
using Mentions = std::map<std::string, std::vector<std::string>, std::less<>>;

bool is_variable(std::string_view word) {
  return word.find('_') != std::string_view::npos && word.front() >= 'A' && word.front() <= 'Z' &&
         word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

bool is_file(std::string_view word) { return word.starts_with("~/"); }

Mentions mentions(const Path& path, bool (*is_wanted)(std::string_view)) {
  Mentions found;
  for (const CommandDescription* level : {path.front(), path.back()})
    for (const auto* each : {&level->options, &level->arguments})
      for (const OptionDescription& option : *each)
        for (const std::string_view word : split(option.description, ' '))
          if (const auto bare = trim(word, "[](),;:."); !bare.empty() && is_wanted(bare))
            if (auto& names = found[std::string(bare)];
                std::ranges::find(names, option.names.front()) == names.end())
              names.push_back(option.names.front());
  return found;
}

std::string mention_items(const Mentions& found) {
  std::string text;
  for (const auto& [word, names] : found)
    text += item(roff::bold(word), roff::prose(fmt::format("See `{}`.", fmt::join(names, "`, `"))));
  return text;
}

std::string see_also(const Path& path) {
  std::string text;
  for (auto end = path.begin() + 1; end < path.end(); ++end)
    text += (text.empty() ? "" : ", ") + reference({path.begin(), end});
  return text.empty() ? text : text + "\n";
}

void add_names(const Path& path, std::vector<std::string>& names) {
  names.push_back(joined(path, " "));
  for (const CommandDescription& command : path.back()->commands) {
    Path its_path = path;
    its_path.push_back(&command);
    add_names(its_path, names);
  }
}

}  // namespace

std::vector<std::string> page_names(const CommandDescription& tool) {
  std::vector<std::string> names;
  add_names({&tool}, names);
  return names;
}

std::vector<const CommandDescription*> find_command(const CommandDescription& tool,
                                                    const std::vector<std::string>& words) {
  Path path{&tool};
  for (const std::string& word : words) {
    const auto& commands = path.back()->commands;
    const auto found = std::ranges::find(commands, word, &CommandDescription::name);
    if (found == commands.end()) return {};
    path.push_back(&*found);
  }
  return path;
}

std::string man_page(const std::vector<const CommandDescription*>& path, const Edition& edition) {
  const CommandDescription& tool = *path.front();
  const CommandDescription& command = *path.back();
  const std::string name = joined(path, "-");
  std::string title = name;
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH {} 1 {} \"{} {}\"\n", title, edition.date, tool.name, edition.version) +
         section("NAME", roff::literal(name) + " \\- " +
                             roff::prose(trim_end(summary(command.description), ".")) + "\n") +
         section("SYNOPSIS", synopsis(path)) +
         section("DESCRIPTION", roff::prose(trim_end(command.description, ".")) + ".\n") +
         section("COMMANDS", commands(path)) + section("ARGUMENTS", arguments(command)) +
         section("OPTIONS", options(path)) +
         section("EXAMPLES", path.size() > 1 ? examples(command) : "") +
         section("EXIT STATUS", exit_status(tool)) +
         section("ENVIRONMENT", mention_items(mentions(path, is_variable))) +
         section("FILES", mention_items(mentions(path, is_file))) +
         section("SEE ALSO", see_also(path));
}

}  // namespace rtenv::cli
