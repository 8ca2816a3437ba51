#include "runtime_env/package_list.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/file.hpp"
#include "base/lines.hpp"
#include "runtime_env/field.hpp"
#include "runtime_env/requirement_line.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

// The dict form's keys.
struct InstallerFields {
  std::string_view field;  // "['uv']"
  std::string_view check;
  std::string_view version;
  std::string_view options;
  std::vector<std::string> default_options;
};
constexpr std::string_view k_packages = "packages";
constexpr std::string_view k_phases = "phases";

// Ray's default for uv is --no-cache, so that every build downloads everything again. Here, builds
// share uv's cache unless the user's options say otherwise.
const InstallerFields& fields_of(InstallerKind kind) {
  static const InstallerFields uv{"['uv']", "uv_check", "uv_version", "uv_pip_install_options", {}};
  static const InstallerFields pip{"['pip']",
                                   "pip_check",
                                   "pip_version",
                                   "pip_install_options",
                                   {"--disable-pip-version-check", "--no-cache-dir"}};
  return kind == InstallerKind::uv ? uv : pip;
}

// Refuses what can't be a requirement, whatever its variables are. `place(i)` is the place of an
// item for messages.
template <class Place>
Result<std::vector<std::string>> check_items(std::vector<std::string> items, Place place) {
  bool continues = false;  // the item before ends with a backslash
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_first = !std::exchange(continues, items[i].ends_with('\\'));
    if (!is_first || continues || items[i].find('$') != std::string::npos) continue;
    if (auto checked = check_requirement(parse_requirement_line(items[i])); !checked)
      return Failure(std::move(checked).error().within(place(i)));
  }
  return items;
}

Result<std::vector<std::string>> requirement_list(std::string_view field, const json& value) {
  RTENV_TRY(auto items, string_list(field, value));
  return check_items(std::move(items),
                     [&](std::size_t i) { return fmt::format("runtime_env{}[{}]", field, i); });
}

Result<std::vector<std::string>> read_requirements_file(std::string_view field, const Path& file) {
  auto text = read_file(file);
  if (!text) {
    auto failure = Failure(std::move(text).error().within(fmt::format("runtime_env{}", field)));
    if (failure.code() != Errc::not_found) return failure;
    return std::move(failure).hint(
        "a string is the path of a requirements file; packages are a list");
  }
  const auto lines = lines_of(*text);
  return check_items({lines.begin(), lines.end()}, [&](std::size_t i) {
    return fmt::format("runtime_env{}: {}, line {}", field, file.native(), i + 1);
  });
}

// Keeps the order: an installer may resolve another order differently.
std::vector<std::string> without_duplicates(std::vector<std::string> list) {
  std::unordered_set<std::string> seen;
  std::erase_if(list, [&](const std::string& item) { return !seen.insert(item).second; });
  return list;
}

bool is_blank(const std::vector<std::string>& list) {
  return std::ranges::all_of(list, [](const std::string& line) {
    return line.find_first_not_of(" \t") == std::string::npos;
  });
}

Result<void> read_phases(std::string_view field, const json& value, PackageList& result) {
  if (!value.is_array() || value.empty())
    return wrong_type(field, "a list of lists of strings, not empty", value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    RTENV_TRY(auto list, requirement_list(fmt::format("{}[{}]", field, i), value[i]));
    if (is_blank(list))
      return fail(Errc::invalid_argument, "runtime_env{}[{}] names no packages", field, i);
    if (i == 0)
      result.requirements = std::move(list);
    else
      result.later_phases.push_back(without_duplicates(std::move(list)));
  }
  return {};
}

Result<void> read_dict(InstallerKind kind, const json& dict, PackageList& result) {
  const InstallerFields& fields = fields_of(kind);
  const std::array<std::string_view, 5> known{k_packages, fields.check, fields.version,
                                              fields.options, k_phases};
  RTENV_TRY(check_keys(fields.field, dict, known));
  const auto path_of = [&](std::string_view key) {
    return fmt::format("{}['{}']", fields.field, key);
  };
  const auto find = [&](std::string_view key) -> const json* {
    const auto found = dict.find(key);
    return found == dict.end() ? nullptr : &*found;
  };
  const json* const packages = find(k_packages);
  const json* const phases = find(k_phases);
  if ((packages != nullptr) == (phases != nullptr))
    return fail(Errc::invalid_argument, "runtime_env{} must have the field 'packages'{}",
                fields.field, phases != nullptr ? " or the field 'phases', not both" : "");
  if (phases != nullptr) {
    RTENV_TRY(read_phases(path_of(k_phases), *phases, result));
  } else if (packages->is_string() && kind == InstallerKind::pip) {
    RTENV_TRY(result.requirements,
              read_requirements_file(path_of(k_packages), packages->get<std::string>()));
  } else {
    RTENV_TRY(result.requirements, requirement_list(path_of(k_packages), *packages));
  }
  if (const json* check = find(fields.check)) {
    RTENV_TRY(result.check, bool_value(path_of(fields.check), *check));
  }
  if (const json* version = find(fields.version)) {
    RTENV_TRY(result.version, string_value(path_of(fields.version), *version));
  }
  if (const json* options = find(fields.options)) {
    RTENV_TRY(result.install_options, string_list(path_of(fields.options), *options));
  }
  return {};
}

}  // namespace

std::string_view name(InstallerKind kind) noexcept {
  return kind == InstallerKind::uv ? "uv" : "pip";
}

Result<std::optional<PackageList>> parse_package_list(InstallerKind kind, const json& value,
                                                      const Path& base) {
  const InstallerFields& fields = fields_of(kind);
  PackageList result{.installer = kind,
                     .requirements = {},
                     .later_phases = {},
                     .install_options = fields.default_options,
                     .version = std::nullopt};
  if (value.is_string()) {
    RTENV_TRY(result.requirements,
              read_requirements_file(fields.field, base / value.get<std::string>()));
  } else if (value.is_array()) {
    RTENV_TRY(result.requirements, requirement_list(fields.field, value));
  } else if (value.is_object()) {
    RTENV_TRY(read_dict(kind, value, result));
  } else {
    return wrong_type(fields.field, "a list of strings, the path of a requirements file, or a dict",
                      value);
  }
  result.requirements = without_duplicates(std::move(result.requirements));
  if (is_blank(result.requirements)) return std::optional<PackageList>();
  return std::optional(std::move(result));
}

}  // namespace rtenv::runtime_env
