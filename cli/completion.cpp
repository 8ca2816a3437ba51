#include "cli/completion.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"

namespace rtenv::cli {
namespace {

// The names of values and arguments that are paths.
constexpr std::array<std::string_view, 6> k_files{"FILE", "LOCK", "PATH", "PKG", "PY", "SRC"};
constexpr std::array<std::string_view, 2> k_folders{"DEST", "DIR"};

std::string candidate(std::string_view word, std::string_view description) {
  description = summary(description);
  return description.empty() ? std::string(word) : fmt::format("{}\t{}", word, description);
}

// Reads the words in front of the cursor as CommandLine::parse would, but doesn't mind errors.
class Completion {
 public:
  explicit Completion(const CommandDescription& tool) : levels_{&tool} {}

  void read(const std::string& word);
  [[nodiscard]] std::vector<std::string> complete(const std::string& word) const;

 private:
  using Lines = std::vector<std::string>;

  // Of the command and of those that it belongs to: the tool's options may follow a command.
  [[nodiscard]] const OptionDescription* find_option(std::string_view name) const;
  // nullptr if there can't be another one.
  [[nodiscard]] const OptionDescription* next_argument() const;
  [[nodiscard]] bool is_in_program() const;
  void read_option(const std::string& word);
  [[nodiscard]] bool is_excluded(const OptionDescription& option) const;
  [[nodiscard]] Lines options(const std::string& word) const;
  [[nodiscard]] Lines commands(const std::string& word) const;
  static Lines values(const OptionDescription& option, std::string_view prefix,
                      std::string_view begin);

  std::vector<const CommandDescription*> levels_;  // the innermost last
  const OptionDescription* waits_for_value_ = nullptr;
  std::size_t arguments_ = 0;  // that were given
  std::size_t program_words_ = 0;
  bool options_ended_ = false;   // by "--"
  std::set<std::string> given_;  // options
};

const OptionDescription* Completion::find_option(std::string_view name) const {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    for (const OptionDescription& option : (*level)->options)
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
  return nullptr;
}

const OptionDescription* Completion::next_argument() const {
  const auto& arguments = levels_.back()->arguments;
  if (arguments_ < arguments.size()) return &arguments[arguments_];
  return !arguments.empty() && arguments.back().is_repeatable ? &arguments.back() : nullptr;
}

bool Completion::is_in_program() const {
  const CommandDescription& command = *levels_.back();
  return command.runs_program && arguments_ + 1 >= command.arguments.size() &&
         (options_ended_ || program_words_ > 0);
}

void Completion::read_option(const std::string& word) {
  const auto equals = word.find('=');
  const OptionDescription* const option = find_option(word.substr(0, equals));
  if (option == nullptr) return;
  given_.insert(option->names.front());
  if (option->takes_value() && equals == std::string::npos) waits_for_value_ = option;
}

void Completion::read(const std::string& word) {
  if (waits_for_value_ != nullptr) {
    waits_for_value_ = nullptr;
  } else if (is_in_program()) {
    ++program_words_;
  } else if (word == "--" && !options_ended_) {
    options_ended_ = true;
  } else if (word.starts_with('-') && word != "-" && !options_ended_) {
    read_option(word);
  } else {
    const CommandDescription& level = *levels_.back();
    const auto command = std::ranges::find_if(level.commands, [&](const auto& each) {
      return each.name == word || std::ranges::find(each.aliases, word) != each.aliases.end();
    });
    if (command != level.commands.end())
      levels_.push_back(&*command);
    else if (level.runs_program && arguments_ + 1 >= level.arguments.size())
      ++program_words_;
    else
      ++arguments_;
  }
}

std::vector<std::string> Completion::values(const OptionDescription& option,
                                            std::string_view prefix, std::string_view begin) {
  Lines lines;
  for (const std::string& choice : option.choices)
    if (choice.starts_with(begin)) lines.push_back(fmt::format("{}{}", prefix, choice));
  if (!option.choices.empty()) return lines;
  // An argument's own name says what it is; its value has none.
  const std::string_view name =
      option.names.front().starts_with('-') ? option.value_name : option.names.front();
  const auto is_one_of = [&](const auto& names) {
    return std::ranges::any_of(split(name, '|'), [&](std::string_view part) {
      return std::ranges::find(names, part) != names.end();
    });
  };
  if (is_one_of(k_files)) return {":files"};
  if (is_one_of(k_folders)) return {":dirs"};
  return {};
}

bool Completion::is_excluded(const OptionDescription& option) const {
  return (given_.contains(option.names.front()) && !option.is_repeatable) ||
         std::ranges::any_of(option.excludes,
                             [&](const std::string& other) { return given_.contains(other); });
}

std::vector<std::string> Completion::options(const std::string& word) const {
  Lines lines;
  std::set<std::string_view> seen;  // --help is an option of each level
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level)
    for (const OptionDescription& option : (*level)->options)
      if (const std::string& name = option.names.front();
          name.starts_with(word) && seen.insert(name).second && !is_excluded(option))
        lines.push_back(candidate(name, option.description));
  return lines;
}

std::vector<std::string> Completion::commands(const std::string& word) const {
  Lines lines;
  for (const CommandDescription& command : levels_.back()->commands)
    if (command.name.starts_with(word))
      lines.push_back(candidate(command.name, command.description));
  return lines;
}

std::vector<std::string> Completion::complete(const std::string& word) const {
  if (waits_for_value_ != nullptr) return values(*waits_for_value_, "", word);
  if (is_in_program()) return {program_words_ == 0 ? ":programs" : ":files"};
  const bool is_option = word.starts_with('-') && !options_ended_;
  if (const auto equals = word.find('='); is_option && equals != std::string::npos) {
    const OptionDescription* const option = find_option(word.substr(0, equals));
    if (option == nullptr || !option->takes_value()) return {};
    return values(*option, word.substr(0, equals + 1), word.substr(equals + 1));
  }
  if (is_option) return options(word);
  Lines lines = commands(word);
  if (const OptionDescription* const argument = next_argument();
      lines.empty() && argument != nullptr)
    lines = levels_.back()->runs_program ? Lines{":programs"} : values(*argument, "", word);
  return lines.empty() && word.empty() && !options_ended_ ? options(word) : lines;
}

}  // namespace

std::vector<std::string> completions(const CommandDescription& tool,
                                     const std::vector<std::string>& words) {
  if (words.empty()) return completions(tool, {""});
  Completion completion(tool);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) completion.read(words[i]);
  return completion.complete(words.back());
}

}  // namespace rtenv::cli
