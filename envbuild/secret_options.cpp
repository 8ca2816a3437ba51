#include "envbuild/secret_options.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "base/redact.hpp"

namespace rtenv::envbuild {
namespace {

using runtime_env::InstallerKind;

struct OptionVariable {
  std::string_view option;
  InstallerKind installer;
  const char* variable;
  char separator;  // of several values; NUL: the last one counts
};
constexpr auto k_uv = InstallerKind::uv;
constexpr auto k_pip = InstallerKind::pip;
constexpr std::array<OptionVariable, 13> k_variables{
    {{"-i", k_uv, "UV_INDEX_URL", '\0'},
     {"--index-url", k_uv, "UV_INDEX_URL", '\0'},
     {"--default-index", k_uv, "UV_DEFAULT_INDEX", '\0'},
     {"--extra-index-url", k_uv, "UV_EXTRA_INDEX_URL", ' '},
     {"--index", k_uv, "UV_INDEX", ' '},
     {"-f", k_uv, "UV_FIND_LINKS", ','},
     {"--find-links", k_uv, "UV_FIND_LINKS", ','},
     {"-i", k_pip, "PIP_INDEX_URL", '\0'},
     {"--index-url", k_pip, "PIP_INDEX_URL", '\0'},
     {"--extra-index-url", k_pip, "PIP_EXTRA_INDEX_URL", ' '},
     {"-f", k_pip, "PIP_FIND_LINKS", ' '},
     {"--find-links", k_pip, "PIP_FIND_LINKS", ' '},
     {"--proxy", k_pip, "PIP_PROXY", '\0'}}};

struct Option {
  std::string name;
  std::optional<std::string> value;
  std::vector<std::string> written;
};

// What an option's value is follows '=', the short name, or in the next word.
std::vector<Option> parse(const std::vector<std::string>& words) {
  std::vector<Option> options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const auto equals = word.find('=');
    const bool has_next = i + 1 < words.size() && !words[i + 1].starts_with('-');
    if (word.starts_with("--") && equals != std::string::npos)
      options.push_back({word.substr(0, equals), word.substr(equals + 1), {word}});
    else if (word.starts_with('-') && !word.starts_with("--") && word.size() > 2)
      options.push_back({word.substr(0, 2), word.substr(2), {word}});
    else if (word.starts_with('-') && has_next)
      options.push_back({word, words[i + 1], {word, words[++i]}});
    else
      options.push_back({word, std::nullopt, {word}});
  }
  return options;
}

bool is_secret(const Option& option) {
  const std::string text = option.value.value_or(option.name);
  // A proxy may be written without "http://", and pip takes "--prox" for it.
  const bool is_proxy = option.name.size() > 2 && option.value &&
                        std::string_view("--proxy").starts_with(option.name);
  return is_proxy ? text.find('@') != std::string::npos : without_credentials(text) != text;
}

const OptionVariable* variable_of(const Option& option, InstallerKind installer) {
  const auto find = [&](auto is_named) {
    const auto* const found = std::ranges::find_if(k_variables, [&](const OptionVariable& row) {
      return row.installer == installer && is_named(row.option);
    });
    return found == k_variables.end() ? nullptr : found;
  };
  if (const auto* row = find([&](std::string_view name) { return name == option.name; }))
    return row;
  // pip takes an abbreviation for the only option that begins so.
  if (installer != InstallerKind::pip || !option.name.starts_with("--")) return nullptr;
  return find([&](std::string_view name) { return name.starts_with(option.name); });
}

}  // namespace

Result<std::vector<std::string>> pass_secrets_by_variable(const std::vector<std::string>& options,
                                                          InstallerKind installer,
                                                          Environment& environment) {
  const std::vector<Option> parsed = parse(options);
  std::map<std::string, std::string> values;  // by variable
  for (const Option& option : parsed) {
    if (!is_secret(option)) continue;
    const OptionVariable* const row = variable_of(option, installer);
    if (row == nullptr)
      return fail(Errc::invalid_argument,
                  "the option {} has a password, which every user of the machine could read",
                  without_credentials(option.name))
          .hint("pass the password in an index's URL, in ~/.netrc or in a requirements file");
    values[row->variable];
  }
  // The order of several values counts: those without a secret go the same way.
  std::vector<std::string> rest;
  for (const Option& option : parsed) {
    const OptionVariable* const row = variable_of(option, installer);
    if (row == nullptr || !option.value || !values.contains(row->variable)) {
      rest.insert(rest.end(), option.written.begin(), option.written.end());
      continue;
    }
    std::string& value = values[row->variable];
    if (row->separator == '\0' || value.empty())
      value = *option.value;
    else
      value += row->separator + *option.value;
  }
  for (const auto& [variable, value] : values) environment.set(variable, value);
  return rest;
}

}  // namespace rtenv::envbuild
