#include "runtime_env/runtime_env.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "remote/uri.hpp"
#include "runtime_env/field.hpp"
#include "runtime_env/yaml.hpp"

namespace rtenv::runtime_env {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 8> k_fields{
    "working_dir", "py_modules", "excludes", "uv", "pip", "env_vars", "py_executable", "config"};

// Ray's fields that rtenv doesn't support: refused, because a job that needs one must not run
// without it. `needs` is what supporting it would take.
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

// Fields that Ray's client adds for Ray's workers: ignored.
constexpr std::array<std::string_view, 3> k_client_fields{"_ray_commit", "_ray_release",
                                                          "_inject_current_ray"};

constexpr std::array<std::string_view, 10> k_config_fields{
    "setup_timeout_seconds", "eager_install",         "log_files",      "isolation",
    "max_processes",         "inherit_site_packages", "max_open_files", "working_dir",
    "build_env_vars",        "run_timeout_seconds"};

const json* find(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

Result<std::map<std::string, std::string>> parse_env_vars(const json& value) {
  if (!value.is_object()) return wrong_type("['env_vars']", "a dict of strings", value);
  std::map<std::string, std::string> result;
  for (const auto& [key, item] : value.items()) {
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

Result<std::optional<std::chrono::seconds>> parse_setup_timeout(const json& value) {
  if (!value.is_number_integer())
    return wrong_type("['config']['setup_timeout_seconds']", "an int", value);
  const auto seconds = value.get<std::int64_t>();
  if (seconds == -1) return std::optional<std::chrono::seconds>();
  if (seconds > 0) return std::optional(std::chrono::seconds(seconds));
  return fail(Errc::invalid_argument,
              "runtime_env['config']['setup_timeout_seconds'] must be greater than zero, or -1 for "
              "no limit, got {}",
              seconds);
}

Result<std::optional<std::uint64_t>> parse_limit(const json& config, const char* key) {
  const json* const value = find(config, key);
  if (value == nullptr) return std::optional<std::uint64_t>();
  if (value->is_number_unsigned() && *value > 0) return std::optional(value->get<std::uint64_t>());
  return fail(Errc::invalid_argument,
              "runtime_env['config']['{}'] must be a whole number greater than 0, got {}", key,
              value->dump());
}

// Whether a field that has one of two values has the other than the default.
Result<bool> is_other(const json& config, const char* key, const char* usual, const char* other) {
  const json* const given = find(config, key);
  if (given == nullptr || *given == usual) return false;
  if (*given == other) return true;
  return fail(Errc::invalid_argument, "runtime_env['config']['{}'] must be '{}' or '{}'", key,
              usual, other);
}

Result<void> parse_config(const json& value, RuntimeEnv& result) {
  if (!value.is_object()) return wrong_type("['config']", "a dict", value);
  RTENV_TRY(check_keys("['config']", value, k_config_fields));
  if (const json* timeout = find(value, "setup_timeout_seconds")) {
    RTENV_TRY(result.setup_timeout, parse_setup_timeout(*timeout));
  }
  // These two are checked as in Ray, but have no effect.
  if (const json* eager = find(value, "eager_install"))
    RTENV_TRY(bool_value("['config']['eager_install']", *eager));
  if (const json* files = find(value, "log_files"); files != nullptr && !files->is_null())
    RTENV_TRY(string_list("['config']['log_files']", *files));
  RTENV_TRY(const bool shares, is_other(value, "working_dir", "own", "shared"));
  if (shares) result.working_dir_use = WorkingDirUse::shared;
  RTENV_TRY(const bool clones, is_other(value, "isolation", "shared", "clone"));
  if (clones) result.isolation = Isolation::clone;
  RTENV_TRY(result.limits.max_processes, parse_limit(value, "max_processes"));
  RTENV_TRY(result.limits.max_open_files, parse_limit(value, "max_open_files"));
  RTENV_TRY(result.limits.run_timeout_s, parse_limit(value, "run_timeout_seconds"));
  if (const json* names = find(value, "build_env_vars")) {
    RTENV_TRY(result.build_env_vars, string_list("['config']['build_env_vars']", *names));
  }
  if (const json* inherit = find(value, "inherit_site_packages")) {
    RTENV_TRY(result.inherit_site_packages,
              bool_value("['config']['inherit_site_packages']", *inherit));
  }
  return {};
}

Result<void> check_field_names(const json& value) {
  for (const auto& [key, item] : value.items()) {
    if (std::ranges::find(k_fields, key) != k_fields.end()) continue;
    if (std::ranges::find(k_client_fields, key) != k_client_fields.end()) continue;
    const auto* const unsupported =
        std::ranges::find(k_unsupported_fields, key, &UnsupportedField::name);
    if (unsupported != k_unsupported_fields.end()) {
      if (item.is_null()) continue;
      return fail(Errc::invalid_argument,
                  "runtime_env['{}'] is a field of Ray that rtenv doesn't support: it needs {}",
                  key, unsupported->needs)
          .hint("remove it; supported fields: {}", fmt::join(k_fields, ", "));
    }
    std::vector<std::string_view> known(k_fields.begin(), k_fields.end());
    for (const UnsupportedField& field : k_unsupported_fields) known.push_back(field.name);
    return unknown_field("", key, known, k_fields);
  }
  return {};
}

}  // namespace

namespace {

// No path, URL, variable or command line can have one.
bool has_nul(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().find('\0') != std::string::npos;
  if (!value.is_structured()) return false;
  for (const auto& [key, item] : value.items())
    if (key.find('\0') != std::string::npos || has_nul(item)) return true;
  return false;
}

}  // namespace

std::string located(std::string location, const Path& base) {
  if (base.empty() || remote::looks_like_uri(location)) return location;
  return (base / location).native();
}

Result<RuntimeEnv> parse_runtime_env(const json& value, const Path& base) {
  RuntimeEnv result{.base = base};
  if (value.is_null()) return result;
  if (!value.is_object()) return wrong_type("", "a dict", value);
  RTENV_TRY(check_field_names(value));
  if (has_nul(value))
    return fail(Errc::invalid_argument, "a text of the runtime_env contains a NUL byte");
  // Null means that the field isn't given.
  const auto given = [&](std::string_view key) -> const json* {
    const json* const item = find(value, key);
    return item == nullptr || item->is_null() ? nullptr : item;
  };
  if (given("uv") != nullptr && given("pip") != nullptr)
    return fail(Errc::invalid_argument,
                "runtime_env['uv'] and runtime_env['pip'] exclude each other")
        .hint("keep one of them");
  if (const json* item = given("working_dir")) {
    RTENV_TRY(result.working_dir, string_value("['working_dir']", *item));
    if (result.working_dir->empty())
      return fail(Errc::invalid_argument, "runtime_env['working_dir'] is empty");
    result.working_dir = located(std::move(*result.working_dir), base);
  }
  if (const json* item = given("py_modules")) {
    RTENV_TRY(result.py_modules, string_list("['py_modules']", *item));
    for (std::string& module : result.py_modules) module = located(std::move(module), base);
  }
  if (const json* item = given("excludes")) {
    RTENV_TRY(result.excludes, string_list("['excludes']", *item));
  }
  for (const auto kind : {InstallerKind::uv, InstallerKind::pip})
    if (const json* item = given(name(kind))) {
      RTENV_TRY(result.packages, parse_package_list(kind, *item, base));
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

Result<RuntimeEnv> load_runtime_env(const Path& file, const Cancellation* cancellation,
                                    const Path& base) {
  RTENV_TRY(const json value, load_structured_file(base / file, cancellation));
  auto parsed = parse_runtime_env(value, base);
  if (!parsed) return Failure(std::move(parsed).error().within(file.native()));
  return parsed;
}

bool needs_setup(const json& runtime_env) noexcept {
  return runtime_env.is_object() && !runtime_env.empty();
}

}  // namespace rtenv::runtime_env
