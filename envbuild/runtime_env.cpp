#include "envbuild/runtime_env.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/file.hpp"
#include "base/nearest.hpp"
#include "envbuild/yaml.hpp"

namespace rtenv::envbuild {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 7> k_fields{"working_dir", "py_modules", "excludes", "uv",
                                                   "pip",         "env_vars",   "config"};
// Known to Ray; a job that asks for one must not run as if it hadn't.
constexpr std::array<std::string_view, 11> k_unsupported_fields{"conda",
                                                                "py_executable",
                                                                "container",
                                                                "image_uri",
                                                                "java_jars",
                                                                "nsight",
                                                                "_nsight",
                                                                "rocprof-sys",
                                                                "_rocprof_sys",
                                                                "mpi",
                                                                "worker_process_setup_hook"};

// As Python names types: the readers of these messages write Python.
std::string_view type_name(const json& value) {
  switch (value.type()) {
    case json::value_t::null: return "None";
    case json::value_t::object: return "dict";
    case json::value_t::array: return "list";
    case json::value_t::string: return "str";
    case json::value_t::boolean: return "bool";
    case json::value_t::number_float: return "float";
    default: return "int";
  }
}

Failure wrong_type(std::string_view field, std::string_view expected, const json& value) {
  return fail(Errc::invalid_argument, "runtime_env{} must be {}, got {}", field, expected, type_name(value));
}

Result<std::vector<std::string>> string_list(std::string_view field, const json& value) {
  if (!value.is_array()) return wrong_type(field, "a list of strings", value);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_string()) return wrong_type(fmt::format("{}[{}]", field, i), "a string", value[i]);
    list.push_back(value[i].get<std::string>());
  }
  return list;
}

Result<std::string> string_value(std::string_view field, const json& value) {
  if (!value.is_string()) return wrong_type(field, "a string", value);
  return value.get<std::string>();
}

Result<bool> bool_value(std::string_view field, const json& value) {
  if (!value.is_boolean()) return wrong_type(field, "a boolean", value);
  return value.get<bool>();
}

// `candidates`: what may have been meant; `supported`: what the hint lists where nothing is near.
Failure unknown_field(std::string_view where, const std::string& key, std::span<const std::string_view> candidates,
                      std::span<const std::string_view> supported) {
  auto failure = fail(Errc::invalid_argument, "runtime_env{} has an unknown field '{}'", where, key);
  if (const auto suggestion = nearest(key, candidates)) return std::move(failure).hint("did you mean '{}'?", *suggestion);
  return std::move(failure).hint("supported fields: {}", fmt::join(supported, ", "));
}

Result<void> check_fields(std::string_view where, const json& value, std::span<const std::string_view> known) {
  for (const auto& [key, unused] : value.items())
    if (std::ranges::find(known, key) == known.end()) return unknown_field(where, key, known, known);
  return {};
}

Result<std::vector<std::string>> read_requirements(std::string_view field, const Path& file) {
  auto text = read_file(file);
  if (!text) return Failure(std::move(text).error().within(fmt::format("runtime_env{}", field)));
  std::vector<std::string> lines;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return lines;
}

// Order kept: an installer may resolve a list differently in another order.
std::vector<std::string> without_duplicates(std::vector<std::string> list) {
  std::unordered_set<std::string> seen;
  std::erase_if(list, [&](const std::string& item) { return !seen.insert(item).second; });
  return list;
}

struct InstallerFields {
  InstallerKind kind;
  std::string_view field;                 // "['uv']"
  std::array<std::string_view, 4> known;  // packages, check, version, options: in this order
  std::vector<std::string> default_options;
};

// Ray's own default for uv is --no-cache: the reason for its 18 s. Here uv's cache is shared; an explicit option counts.
const InstallerFields& fields_of(InstallerKind kind) {
  static const InstallerFields uv{
      InstallerKind::uv, "['uv']", {"packages", "uv_check", "uv_version", "uv_pip_install_options"}, {}};
  static const InstallerFields pip{InstallerKind::pip,
                                   "['pip']",
                                   {"packages", "pip_check", "pip_version", "pip_install_options"},
                                   {"--disable-pip-version-check", "--no-cache-dir"}};
  return kind == InstallerKind::uv ? uv : pip;
}

Result<std::optional<Packages>> parse_packages(InstallerKind kind, const json& value) {
  const InstallerFields& fields = fields_of(kind);
  const auto sub = [&](std::string_view key) { return fmt::format("{}['{}']", fields.field, key); };
  Packages result{.installer = kind, .requirements = {}, .install_options = fields.default_options, .version = std::nullopt};
  if (value.is_string()) {
    RTENV_TRY(result.requirements, read_requirements(fields.field, value.get<std::string>()));
  } else if (value.is_array()) {
    RTENV_TRY(result.requirements, string_list(fields.field, value));
  } else if (value.is_object()) {
    RTENV_TRY(check_fields(fields.field, value, fields.known));
    const auto [packages, check, version, options] = fields.known;
    const auto has = [&](std::string_view key) { return value.contains(key); };
    if (!has(packages)) return fail(Errc::invalid_argument, "runtime_env{} must have the field 'packages'", fields.field);
    const json& list = value.at(std::string(packages));
    if (list.is_string() && kind == InstallerKind::pip) {
      RTENV_TRY(result.requirements, read_requirements(sub(packages), list.get<std::string>()));
    } else {
      RTENV_TRY(result.requirements, string_list(sub(packages), list));
    }
    if (has(check)) {
      RTENV_TRY(result.check, bool_value(sub(check), value.at(std::string(check))));
    }
    if (has(version)) {
      RTENV_TRY(result.version, string_value(sub(version), value.at(std::string(version))));
    }
    if (has(options)) {
      RTENV_TRY(result.install_options, string_list(sub(options), value.at(std::string(options))));
    }
  } else {
    return wrong_type(fields.field, "a list of strings, the path of a requirements file, or a dict", value);
  }
  result.requirements = without_duplicates(std::move(result.requirements));
  const bool says_nothing = std::ranges::all_of(
      result.requirements, [](const std::string& line) { return line.find_first_not_of(" \t") == std::string::npos; });
  if (says_nothing) return std::optional<Packages>();
  return std::optional(std::move(result));
}

Result<std::map<std::string, std::string>> parse_env_vars(const json& value) {
  if (!value.is_object()) return wrong_type("['env_vars']", "a dict of strings", value);
  std::map<std::string, std::string> result;
  for (const auto& [key, item] : value.items()) {
    // Never the value itself: it may be a secret.
    if (!item.is_string()) return wrong_type(fmt::format("['env_vars']['{}']", key), "a string", item);
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "runtime_env['env_vars'] has '{}', which can't be the name of a variable", key);
    auto text = item.get<std::string>();
    if (text.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "runtime_env['env_vars']['{}'] has a NUL byte", key);
    result.emplace(key, std::move(text));
  }
  return result;
}

Result<void> parse_config(const json& value, RuntimeEnv& result) {
  constexpr std::array<std::string_view, 3> k_known{"setup_timeout_seconds", "eager_install", "log_files"};
  if (!value.is_object()) return wrong_type("['config']", "a dict", value);
  RTENV_TRY(check_fields("['config']", value, k_known));
  if (const auto timeout = value.find("setup_timeout_seconds"); timeout != value.end()) {
    if (!timeout->is_number_integer()) return wrong_type("['config']['setup_timeout_seconds']", "an int", *timeout);
    const auto seconds = timeout->get<std::int64_t>();
    if (seconds != -1 && seconds <= 0)
      return fail(Errc::invalid_argument,
                  "runtime_env['config']['setup_timeout_seconds'] must be greater than zero, or -1 for no limit, got {}",
                  seconds);
    if (seconds == -1)
      result.setup_timeout.reset();
    else
      result.setup_timeout = std::chrono::seconds(seconds);
  }
  if (const auto eager = value.find("eager_install"); eager != value.end() && !eager->is_boolean())
    return wrong_type("['config']['eager_install']", "a boolean", *eager);
  return {};
}

Result<void> refuse_unknown_and_unsupported(const json& value) {
  for (const auto& [key, item] : value.items()) {
    if (std::ranges::find(k_fields, key) != k_fields.end()) continue;
    if (std::ranges::find(k_unsupported_fields, key) != k_unsupported_fields.end()) {
      if (item.is_null()) continue;
      return fail(Errc::invalid_argument, "runtime_env['{}'] is a field of Ray that this version of rtenv doesn't carry out",
                  key)
          .hint("leave it out; supported: {}", fmt::join(k_fields, ", "));
    }
    std::vector<std::string_view> known(k_fields.begin(), k_fields.end());
    known.insert(known.end(), k_unsupported_fields.begin(), k_unsupported_fields.end());
    return unknown_field("", key, known, k_fields);
  }
  return {};
}

}  // namespace

std::string_view name(InstallerKind kind) noexcept { return kind == InstallerKind::uv ? "uv" : "pip"; }

Result<RuntimeEnv> parse_runtime_env(const json& value) {
  RuntimeEnv result;
  if (value.is_null()) return result;
  if (!value.is_object()) return wrong_type("", "a dict", value);
  RTENV_TRY(refuse_unknown_and_unsupported(value));
  const auto given = [&](const char* key) -> const json* {
    const auto found = value.find(key);
    return found == value.end() || found->is_null() ? nullptr : &*found;
  };
  if (given("uv") != nullptr && given("pip") != nullptr)
    return fail(Errc::invalid_argument, "runtime_env['uv'] and runtime_env['pip'] exclude each other")
        .hint("keep one of them");
  if (const json* item = given("working_dir")) {
    RTENV_TRY(result.working_dir, string_value("['working_dir']", *item));
    if (result.working_dir->empty()) return fail(Errc::invalid_argument, "runtime_env['working_dir'] is empty");
  }
  if (const json* item = given("py_modules")) {
    RTENV_TRY(result.py_modules, string_list("['py_modules']", *item));
  }
  if (const json* item = given("excludes")) {
    RTENV_TRY(result.excludes, string_list("['excludes']", *item));
  }
  for (const auto kind : {InstallerKind::uv, InstallerKind::pip})
    if (const json* item = given(kind == InstallerKind::uv ? "uv" : "pip")) {
      RTENV_TRY(result.packages, parse_packages(kind, *item));
    }
  if (const json* item = given("env_vars")) {
    RTENV_TRY(result.env_vars, parse_env_vars(*item));
  }
  if (const json* item = given("config")) RTENV_TRY(parse_config(*item, result));
  return result;
}

Result<RuntimeEnv> load_runtime_env(const Path& file) {
  RTENV_TRY(const json value, load_structured_file(file));
  auto parsed = parse_runtime_env(value);
  if (!parsed) return Failure(std::move(parsed).error().within(file.native()));
  return parsed;
}

}  // namespace rtenv::envbuild
