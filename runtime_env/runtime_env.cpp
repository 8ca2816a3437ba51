#include "runtime_env/runtime_env.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/file.hpp"
#include "base/lines.hpp"
#include "base/nearest.hpp"
#include "pkg/package_name.hpp"
#include "remote/uri.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> k_fields{
    "working_dir", "py_modules", "excludes", "uv", "pip", "env_vars", "py_executable", "config"};
// Known to Ray; a job that asks for one must not run as if it hadn't. With what each would need.
struct UnsupportedField {
  std::string_view name;
  std::string_view needs;
};
constexpr std::array<UnsupportedField, 11> k_unsupported_fields{
    {{"conda", "conda"},
     {"container", "a container engine"},
     {"image_uri", "a container engine"},
     {"java_jars", "Ray's Java workers"},
     {"nsight", "Ray's workers, which it profiles"},
     {"_nsight", "Ray's workers, which it profiles"},
     {"rocprof_sys", "Ray's workers, which it profiles"},
     {"rocprof-sys", "Ray's workers, which it profiles"},
     {"_rocprof_sys", "Ray's workers, which it profiles"},
     {"mpi", "Ray's workers, which it starts by mpirun"},
     {"worker_process_setup_hook", "Ray's workers, in which it runs"}}};

// What Ray's own client adds for Ray's workers: nothing that a job asks for.
constexpr std::array<std::string_view, 3> k_client_fields{"_ray_commit", "_ray_release",
                                                          "_inject_current_ray"};

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
  return fail(Errc::invalid_argument, "runtime_env{} must be {}, got {}", field, expected,
              type_name(value));
}

Result<std::vector<std::string>> string_list(std::string_view field, const json& value) {
  if (!value.is_array()) return wrong_type(field, "a list of strings", value);
  std::vector<std::string> list;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].is_string())
      return wrong_type(fmt::format("{}[{}]", field, i), "a string", value[i]);
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
Failure unknown_field(std::string_view where, const std::string& key,
                      std::span<const std::string_view> candidates,
                      std::span<const std::string_view> supported) {
  auto failure =
      fail(Errc::invalid_argument, "runtime_env{} has an unknown field '{}'", where, key);
  if (const auto suggestion = nearest(key, candidates))
    return std::move(failure).hint("did you mean '{}'?", *suggestion);
  return std::move(failure).hint("supported fields: {}", fmt::join(supported, ", "));
}

Result<void> check_fields(std::string_view where, const json& value,
                          std::span<const std::string_view> known) {
  for (const auto& [key, unused] : value.items())
    if (std::ranges::find(known, key) == known.end())
      return unknown_field(where, key, known, known);
  return {};
}

Result<std::vector<std::string>> read_requirements(std::string_view field, const Path& file) {
  auto text = read_file(file);
  if (!text) return Failure(std::move(text).error().within(fmt::format("runtime_env{}", field)));
  const auto lines = lines_of(*text);
  return std::vector<std::string>(lines.begin(), lines.end());
}

// Order kept: an installer may resolve a list differently in another order.
std::vector<std::string> without_duplicates(std::vector<std::string> list) {
  std::unordered_set<std::string> seen;
  std::erase_if(list, [&](const std::string& item) { return !seen.insert(item).second; });
  return list;
}

bool says_nothing(const std::vector<std::string>& list) {
  return std::ranges::all_of(list, [](const std::string& line) {
    return line.find_first_not_of(" \t") == std::string::npos;
  });
}

Result<void> read_phases(std::string_view field, const json& value, Packages& result) {
  if (!value.is_array() || value.empty())
    return wrong_type(field, "a list of lists of strings, not empty", value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    RTENV_TRY(auto list, string_list(fmt::format("{}[{}]", field, i), value[i]));
    if (says_nothing(list))
      return fail(Errc::invalid_argument, "runtime_env{}[{}] names no packages", field, i);
    if (i == 0)
      result.requirements = std::move(list);
    else
      result.later_phases.push_back(without_duplicates(std::move(list)));
  }
  return {};
}

struct InstallerFields {
  InstallerKind kind;
  std::string_view field;  // "['uv']"
  std::array<std::string_view, 5>
      known;  // packages, check, version, options, phases: in this order
  std::vector<std::string> default_options;
};

// Ray's own default for uv is --no-cache: the reason for its 18 s. Here uv's cache is shared; an
// explicit option counts.
const InstallerFields& fields_of(InstallerKind kind) {
  static const InstallerFields uv{
      InstallerKind::uv,
      "['uv']",
      {"packages", "uv_check", "uv_version", "uv_pip_install_options", "phases"},
      {}};
  static const InstallerFields pip{
      InstallerKind::pip,
      "['pip']",
      {"packages", "pip_check", "pip_version", "pip_install_options", "phases"},
      {"--disable-pip-version-check", "--no-cache-dir"}};
  return kind == InstallerKind::uv ? uv : pip;
}

Result<std::optional<Packages>> parse_packages(InstallerKind kind, const json& value) {
  const InstallerFields& fields = fields_of(kind);
  const auto sub = [&](std::string_view key) { return fmt::format("{}['{}']", fields.field, key); };
  Packages result{.installer = kind,
                  .requirements = {},
                  .install_options = fields.default_options,
                  .version = std::nullopt};
  if (value.is_string()) {
    RTENV_TRY(result.requirements, read_requirements(fields.field, value.get<std::string>()));
  } else if (value.is_array()) {
    RTENV_TRY(result.requirements, string_list(fields.field, value));
  } else if (value.is_object()) {
    RTENV_TRY(check_fields(fields.field, value, fields.known));
    const auto [packages, check, version, options, phases] = fields.known;
    const auto has = [&](std::string_view key) { return value.contains(key); };
    if (has(packages) == has(phases))
      return fail(Errc::invalid_argument, "runtime_env{} must have the field 'packages'{}",
                  fields.field, has(phases) ? " or the field 'phases', not both" : "");
    if (has(phases)) {
      RTENV_TRY(read_phases(sub(phases), value.at(std::string(phases)), result));
    } else if (const json& list = value.at(std::string(packages));
               list.is_string() && kind == InstallerKind::pip) {
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
    return wrong_type(fields.field, "a list of strings, the path of a requirements file, or a dict",
                      value);
  }
  result.requirements = without_duplicates(std::move(result.requirements));
  if (says_nothing(result.requirements)) return std::optional<Packages>();
  return std::optional(std::move(result));
}

Result<std::map<std::string, std::string>> parse_env_vars(const json& value) {
  if (!value.is_object()) return wrong_type("['env_vars']", "a dict of strings", value);
  std::map<std::string, std::string> result;
  for (const auto& [key, item] : value.items()) {
    // Never the value itself: it may be a secret.
    if (!item.is_string())
      return wrong_type(fmt::format("['env_vars']['{}']", key), "a string", item);
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument,
                  "runtime_env['env_vars'] has '{}', which can't be the name of a variable", key);
    auto text = item.get<std::string>();
    if (text.find('\0') != std::string::npos)
      return fail(Errc::invalid_argument, "runtime_env['env_vars']['{}'] has a NUL byte", key);
    result.emplace(key, std::move(text));
  }
  return result;
}

Result<void> parse_config(const json& value, RuntimeEnv& result) {
  constexpr std::array<std::string_view, 7> k_known{
      "setup_timeout_seconds", "eager_install",         "log_files",     "isolation",
      "max_processes",         "inherit_site_packages", "max_open_files"};
  if (!value.is_object()) return wrong_type("['config']", "a dict", value);
  RTENV_TRY(check_fields("['config']", value, k_known));
  if (const auto timeout = value.find("setup_timeout_seconds"); timeout != value.end()) {
    if (!timeout->is_number_integer())
      return wrong_type("['config']['setup_timeout_seconds']", "an int", *timeout);
    const auto seconds = timeout->get<std::int64_t>();
    if (seconds != -1 && seconds <= 0)
      return fail(Errc::invalid_argument,
                  "runtime_env['config']['setup_timeout_seconds'] must be greater than zero, or -1 "
                  "for no limit, got {}",
                  seconds);
    if (seconds == -1)
      result.setup_timeout.reset();
    else
      result.setup_timeout = std::chrono::seconds(seconds);
  }
  if (const auto eager = value.find("eager_install"); eager != value.end() && !eager->is_boolean())
    return wrong_type("['config']['eager_install']", "a boolean", *eager);
  if (const auto files = value.find("log_files"); files != value.end() && !files->is_null())
    RTENV_TRY(string_list("['config']['log_files']", *files));
  if (const auto isolation = value.find("isolation"); isolation != value.end()) {
    if (*isolation == "clone")
      result.isolation = Isolation::clone;
    else if (*isolation != "shared")
      return fail(Errc::invalid_argument,
                  "runtime_env['config']['isolation'] must be 'shared' or 'clone'");
  }
  for (const char* limit :
       {"max_processes", "max_open_files"})  // of a submitted job; its supervisor keeps them
    if (const auto count = value.find(limit);
        count != value.end() && !(count->is_number_unsigned() && *count > 0))
      return fail(Errc::invalid_argument,
                  "runtime_env['config']['{}'] must be a whole number above 0, got {}", limit,
                  count->dump());
  if (const auto inherit = value.find("inherit_site_packages"); inherit != value.end()) {
    RTENV_TRY(result.inherit_site_packages,
              bool_value("['config']['inherit_site_packages']", *inherit));
  }
  return {};
}

Result<void> refuse_unknown_and_unsupported(const json& value) {
  for (const auto& [key, item] : value.items()) {
    if (std::ranges::find(k_fields, key) != k_fields.end()) continue;
    if (std::ranges::find(k_client_fields, key) != k_client_fields.end()) continue;
    const auto* const unsupported =
        std::ranges::find(k_unsupported_fields, key, &UnsupportedField::name);
    if (unsupported != k_unsupported_fields.end()) {
      if (item.is_null()) continue;
      return fail(Errc::invalid_argument,
                  "runtime_env['{}'] is a field of Ray that rtenv doesn't carry out: it needs {}",
                  key, unsupported->needs)
          .hint("leave it out; supported: {}", fmt::join(k_fields, ", "));
    }
    std::vector<std::string_view> known(k_fields.begin(), k_fields.end());
    for (const UnsupportedField& field : k_unsupported_fields) known.push_back(field.name);
    return unknown_field("", key, known, k_fields);
  }
  return {};
}

}  // namespace

std::string_view name(InstallerKind kind) noexcept {
  return kind == InstallerKind::uv ? "uv" : "pip";
}

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
    return fail(Errc::invalid_argument,
                "runtime_env['uv'] and runtime_env['pip'] exclude each other")
        .hint("keep one of them");
  if (const json* item = given("working_dir")) {
    RTENV_TRY(result.working_dir, string_value("['working_dir']", *item));
    if (result.working_dir->empty())
      return fail(Errc::invalid_argument, "runtime_env['working_dir'] is empty");
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
  if (const json* item = given("py_executable")) {
    RTENV_TRY(result.py_executable, string_value("['py_executable']", *item));
    if (result.py_executable->find_first_not_of(" \t") == std::string::npos)
      return fail(Errc::invalid_argument, "runtime_env['py_executable'] is empty");
  }
  if (const json* item = given("config")) RTENV_TRY(parse_config(*item, result));
  return result;
}

namespace {

bool is_remote_module(const std::string& path) {
  return pkg::is_remote_archive(path) || path.ends_with(".whl");
}

Result<void> check_source(const std::string& text, bool is_module) {
  if (!remote::looks_like_uri(text)) {
    std::error_code error;
    if (std::filesystem::exists(text, error)) return {};
    return fail(Errc::not_found, "{} doesn't exist", text);
  }
  RTENV_TRY(const auto uri, remote::Uri::parse(text));
  const bool archive = is_module ? is_remote_module(uri.path) : pkg::is_remote_archive(uri.path);
  if (uri.scheme == remote::Scheme::local) {
    if (archive)
      return fail(Errc::invalid_argument, "{} names an archive; local:// is for directories",
                  uri.shown())
          .hint("use file:// for an archive");
    return {};
  }
  if (archive) return {};
  return fail(Errc::invalid_argument, "{} isn't an archive by its name", uri.shown())
      .hint("wanted is .zip, .tar.gz, .tgz, .tar.xz, .tar.bz2, .tar.zst or .jar{}",
            is_module ? ", or a wheel" : "");
}

}  // namespace

Result<void> check_sources(const RuntimeEnv& runtime_env) {
  if (runtime_env.working_dir) {
    auto checked = check_source(*runtime_env.working_dir, false);
    if (!checked) return Failure(std::move(checked).error().within("working_dir"));
  }
  for (std::size_t i = 0; i < runtime_env.py_modules.size(); ++i) {
    auto checked = check_source(runtime_env.py_modules[i], true);
    if (!checked)
      return Failure(std::move(checked).error().within(fmt::format("py_modules[{}]", i)));
  }
  return {};
}

Result<RuntimeEnv> load_runtime_env(const Path& file) {
  RTENV_TRY(const json value, load_structured_file(file));
  auto parsed = parse_runtime_env(value);
  if (!parsed) return Failure(std::move(parsed).error().within(file.native()));
  return parsed;
}

}  // namespace rtenv::runtime_env
