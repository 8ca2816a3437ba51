#include "runtime_env/installer_settings.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"
#include "base/text.hpp"
#include "runtime_env/installer_option.hpp"
#include "runtime_env/installer_variable.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

bool concerns(InstallerKind installer, std::string_view name) {
  if (name.starts_with("UV_")) return installer == InstallerKind::uv;
  if (name.starts_with("PIP_")) return installer == InstallerKind::pip;
  return true;
}

// A variable's value for the installer, and its part of the key.
struct Setting {
  std::string value;
  json part;
};

// An item of a value that lists files, folders or URLs.
Result<Setting> read_item(OptionUse use, const std::string& item, const ResolveContext& context) {
  const auto path = existing_path(item);
  if (path) RTENV_TRY(context.check_path(*path));
  if (use == OptionUse::list && (path || item.find("://") == std::string::npos)) {
    RTENV_TRY(const ResolvedList list, resolve_list(item, context));
    return Setting{path_mark(list.input), json_from_text(list.key_part)};
  }
  if (use == OptionUse::index && path && context.variables.in_working_dir(*path)) {
    RTENV_TRY(json content, content_line(*path));
    return Setting{item, std::move(content)};
  }
  std::error_code error;
  if (use == OptionUse::line && path && std::filesystem::is_directory(*path, error)) {
    RTENV_TRY(const auto input, context.inputs.add(LocalInput::Kind::package_folder, *path));
    return Setting{path_mark(input), context.inputs[input].content};
  }
  if (use == OptionUse::other && path && std::filesystem::is_regular_file(*path, error)) {
    RTENV_TRY(json content, content_line(*path));
    return Setting{item, std::move(content)};
  }
  return Setting{item, without_credentials(item)};
}

OptionUse use_of_items(std::string_view name) {
  // "-c" may be a line of a list; a variable names a list.
  return name.ends_with("_CONSTRAINT") ? OptionUse::list : option_use_of_variable(name);
}

// Items are separated by spaces or commas; where they are only paths, also by colons.
Result<Setting> read_setting(std::string_view name, std::string_view value,
                             const ResolveContext& context) {
  const OptionUse use = use_of_items(name);
  // A path may have blanks.
  if (existing_path(value)) return read_item(use, std::string(value), context);
  const std::string_view separators = use == OptionUse::other ? " ,:" : " ,";
  Setting setting{.value = {}, .part = json::array()};
  bool counts_by_content = false;
  while (!value.empty()) {
    const auto end = std::min(value.find_first_of(separators), value.size());
    if (end == 0) {
      setting.value += value.front();
      value.remove_prefix(1);
      continue;
    }
    const std::string item(value.substr(0, end));
    value.remove_prefix(end);
    RTENV_TRY(Setting found, read_item(use, item, context));
    counts_by_content = counts_by_content || found.part != json(without_credentials(item));
    setting.value += found.value;
    setting.part.push_back(std::move(found.part));
  }
  if (!counts_by_content) setting.part = without_credentials(setting.value);
  return setting;
}

// Of a pip.conf, without sections, comments, and options that only say how pip runs here.
std::string counted_lines(std::string_view text) {
  std::string counted;
  for (const std::string_view line : lines_of(text)) {
    const std::string name = "--" + std::string(trim(line.substr(0, line.find_first_of("=:"))));
    const bool is_setting =
        !trim(line).empty() &&
        std::string_view("[#;").find(trim(line).front()) == std::string_view::npos;
    const bool continues = is_setting && (line.front() == ' ' || line.front() == '\t');
    const OptionUse use = read_option(std::span(&name, 1)).use;
    const bool is_counted = use != OptionUse::how_it_runs && use != OptionUse::servers;
    if (continues || (is_setting && is_counted)) (counted += line) += '\n';
  }
  return counted;
}

// They are copies for one environment.
bool names_local_inputs(std::string_view name, std::string_view value) {
  const OptionUse use = use_of_items(name);
  return value.find("://") == std::string_view::npos &&
         (use == OptionUse::list || use == OptionUse::line);
}

}  // namespace

Result<InstallerSettings> installer_settings(const ResolveContext& context, InstallerKind installer,
                                             const std::vector<std::string>& names) {
  const Variables& variables = context.variables;
  InstallerSettings settings;
  const auto use_of = [&](std::string_view name) {
    const bool named = std::ranges::find(names, name) != names.end();
    return named ? VariableUse::setting : variable_use(name);
  };
  const auto take = [&](const auto& values) {
    for (const auto& [name, value] : values)
      if (concerns(installer, name) && use_of(name) != VariableUse::hidden)
        settings.environment.set(name, value);
  };
  take(variables.node().values());
  take(variables.env_vars());
  json parts = json::object();
  const auto take_own = [&](const std::string& name) {
    settings.environment.unset(name);
    if (const auto own = variables.node().find(name))
      settings.environment.set(name, std::string(*own));
  };
  for (const auto& [name, value] : variables.env_vars()) {
    // rtenv reads some of the files that variables name, and installers the others.
    const bool is_given = settings.environment.find(name) == value &&
                          use_of(name) != VariableUse::node && variables.node().find(name) != value;
    if (const auto path = existing_path(value); path && is_given)
      if (auto seen = context.check_path(*path); !seen) {
        if (name != "HOME" && !name.starts_with("XDG_"))
          return Failure(std::move(seen).error().within(name));
        take_own(name);
      }
    if (use_of(name) == VariableUse::machine && variables.node().find(name) != value)
      parts[name] = "sha256:" + sha256_hex(without_credentials(value));
    // Which programs rtenv runs, and which caches it trusts, isn't a job's choice.
    if (use_of(name) != VariableUse::node) continue;
    take_own(name);
  }
  const Environment seen = settings.environment;
  const ResolveContext of_node{variables, context.fetch, context.inputs};
  for (const auto& [name, value] : seen.values()) {
    if (use_of(name) != VariableUse::setting) continue;
    if (value.empty()) {
      settings.environment.unset(name);  // a build could tell that it is set
      continue;
    }
    const bool is_of_job = variables.env_vars().contains(name);
    auto setting = read_setting(name, value, is_of_job ? context : of_node);
    if (!setting) return Failure(std::move(setting).error().within(name));
    parts[name] = std::move(setting->part);
    settings.environment.set(name, std::move(setting->value));
  }
  for (const Path& file : configuration_files(settings.environment, installer)) {
    const auto text = read_file(file);
    if (!text && text.error().code() == Errc::not_found) continue;
    if (!text) return Failure(text.error());
    const std::string counted = installer == InstallerKind::uv ? *text : counted_lines(*text);
    if (counted.empty()) continue;
    parts["files"].push_back("sha256:" + sha256_hex(without_credentials(counted)));
  }
  settings.key_part = json_text(parts);
  return settings;
}

std::vector<Path> configuration_files(const Environment& environment, InstallerKind installer) {
  const bool uv = installer == InstallerKind::uv;
  // What turns them off.
  if (uv ? environment.find_filled("UV_NO_CONFIG").has_value()
         : environment.find_filled("PIP_CONFIG_FILE") == "/dev/null")
    return {};
  const Path below = uv ? "uv/uv.toml" : "pip/pip.conf";
  std::vector<Path> files{uv ? "/etc/uv/uv.toml" : "/etc/pip.conf"};
  const auto home = environment.find_filled("HOME");
  if (const auto config = environment.find_filled("XDG_CONFIG_HOME"))
    files.push_back(Path(*config) / below);
  else if (home)
    files.push_back(Path(*home) / ".config" / below);
  if (home && !uv) files.push_back(Path(*home) / ".pip/pip.conf");
  std::string_view rest = environment.find_filled("XDG_CONFIG_DIRS").value_or("/etc/xdg");
  while (!rest.empty()) {
    const auto end = rest.find(':');
    files.push_back(Path(rest.substr(0, end)) / below);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return files;
}

Environment with_machine_variables(const Environment& settings, const Environment& machine) {
  Environment result;
  for (const auto& [name, value] : settings.values())
    if (variable_use(name) == VariableUse::setting && !names_local_inputs(name, value))
      result.set(name, value);
  for (const auto& [name, value] : machine.values())
    if (const auto use = variable_use(name);
        use == VariableUse::node || use == VariableUse::credential || use == VariableUse::machine)
      result.set(name, value);
  return result;
}

}  // namespace rtenv::runtime_env
