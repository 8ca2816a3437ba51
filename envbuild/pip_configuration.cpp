#include "envbuild/pip_configuration.hpp"

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/lines.hpp"
#include "base/redact.hpp"
#include "envbuild/netrc_credentials.hpp"
#include "runtime_env/installer_settings.hpp"

namespace rtenv::envbuild {
namespace {

struct Option {
  std::string_view name;
  const char* variable;
};
constexpr std::array<Option, 4> k_options{{{"index-url", "PIP_INDEX_URL"},
                                           {"extra-index-url", "PIP_EXTRA_INDEX_URL"},
                                           {"find-links", "PIP_FIND_LINKS"},
                                           {"proxy", "PIP_PROXY"}}};

bool may_have_passwords(const Environment& environment) {
  auto files = runtime_env::configuration_files(environment, runtime_env::InstallerKind::pip);
  if (const auto named = environment.find_filled("PIP_CONFIG_FILE")) files.emplace_back(*named);
  return std::ranges::any_of(files, [](const Path& file) {
    const auto text = read_file(file);
    return text && text->find_first_of("@?") != std::string::npos;
  });
}

// "'https://host/\nhttps://other/'", as Python writes it: the values of a list, by spaces.
std::string unquoted(std::string_view text) {
  if (text.size() >= 2) text = text.substr(1, text.size() - 2);
  std::string value(text);
  for (auto at = value.find("\\n"); at != std::string::npos; at = value.find("\\n", at))
    value.replace(at, 2, " ");
  return value;
}

}  // namespace

Result<void> hide_configured_passwords(InstallerRun& run, const Path& python, const Path& scratch) {
  Environment& environment = run.environment();
  if (!may_have_passwords(environment)) return {};
  RTENV_TRY(const std::string listed, run.capture({python.native(), "-m", "pip", "config", "list",
                                                   "--disable-pip-version-check"}));
  // Sections in the order in which they count: that of a command after "global", variables last.
  for (const std::string_view section : {"global.", "install."})
    for (const std::string_view line : lines_of(listed)) {
      const auto equals = line.find('=');
      if (!line.starts_with(section) || equals == std::string_view::npos) continue;
      const auto name = line.substr(section.size(), equals - section.size());
      const auto* const option = std::ranges::find(k_options, name, &Option::name);
      if (option == k_options.end() ||
          listed.find(fmt::format(":env:.{}=", name)) != std::string::npos)
        continue;
      const std::string value = unquoted(line.substr(equals + 1));
      if (value.find_first_of("@?") != std::string::npos) environment.set(option->variable, value);
    }
  NetrcCredentials netrc(environment);
  netrc.note_hosts(environment);
  RTENV_TRY(netrc.take_from(environment));
  return netrc.provide(scratch, environment);
}

}  // namespace rtenv::envbuild
