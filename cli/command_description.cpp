#include "cli/command_description.hpp"

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "cli/command_line.hpp"

namespace rtenv::cli {
namespace {

OptionDescription describe(const CLI::Option& option) {
  OptionDescription result{
      .description = option.get_description(),
      .default_value = option.get_default_str(),
      .is_required = option.get_required(),
      .is_repeatable = option.get_expected_max() >= CLI::detail::expected_max_vector_size};
  for (const std::string& name : option.get_lnames()) result.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) result.names.push_back("-" + name);
  if (option.get_positional()) result.names = {option.get_name(true)};
  for (const CLI::Option* other : option.get_excludes())
    result.excludes.push_back(other->get_name());
  if (option.get_type_size() == 0) return result;
  const std::string type = option.get_type_name();
  if (!type.starts_with('{')) {  // see Option::one_of
    result.value_name = type;
    return result;
  }
  for (const std::string_view choice : split(trim(type, "{}"), ','))
    result.choices.emplace_back(choice);
  return result;
}

CommandDescription describe(const CLI::App& app) {
  CommandDescription result{.name = app.get_name(),
                            .aliases = app.get_aliases(),
                            .description = app.get_description(),
                            .footer = app.get_footer(),
                            .runs_program = app.get_positionals_at_end()};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty())
      (option->get_positional() ? result.arguments : result.options).push_back(describe(*option));
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    result.commands.push_back(describe(*command));
  return result;
}

}  // namespace

std::string_view summary(std::string_view description) {
  for (const std::string_view detail : {": ", "; ", " [", " ("})
    description = description.substr(0, description.find(detail));
  return description;
}

CommandDescription CommandLine::describe() const { return cli::describe(*app_); }

}  // namespace rtenv::cli
