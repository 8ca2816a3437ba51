// A runtime_env: what a job needs, as Ray's users write it. Parsed and checked once, at the edge;
// the rules and their order are Ray's (2.60, runtime_env/validation.py), the messages name the
// field, what was expected and what came.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"

namespace rtenv::runtime_env {

enum class InstallerKind : std::uint8_t { uv, pip };

std::string_view name(InstallerKind kind) noexcept;

/// The field `uv` or `pip`.
struct Packages {
  InstallerKind installer = InstallerKind::uv;
  std::vector<std::string> requirements;  // as written, deduplicated, never empty
  /// More lists, each installed once the one before it is: packages whose build needs others
  /// (`phases`, not in Ray).
  std::vector<std::vector<std::string>> later_phases;
  std::vector<std::string> install_options;  // as written; the defaults where none were given
  bool check = false;                        // uv_check, pip_check
  std::optional<std::string> version;  // uv_version, pip_version: a specifier such as "==0.13.8"
};

/// Whose the environment is that a job sees.
enum class Isolation : std::uint8_t {
  shared,  // of all jobs that want the same: read-only
  clone,   // the job's own copy
};

struct RuntimeEnv {
  std::optional<std::string> working_dir;  // a local directory or archive, or a URI
  std::vector<std::string> py_modules;     // local directories, .py files, wheels, or URIs
  std::vector<std::string> excludes;
  std::optional<Packages> packages;
  std::map<std::string, std::string> env_vars;  // as written
  std::optional<std::string> py_executable;     // what runs instead of `python`
  std::optional<std::chrono::seconds> setup_timeout{
      std::chrono::seconds(600)};  // nothing: no limit
  // Of `config`, not in Ray, which warns of entries that it doesn't know.
  Isolation isolation = Isolation::shared;
  bool inherit_site_packages = false;
};

/// Requirement files that a field names are read now, relative to the current folder, as in Ray.
/// Fails: invalid_argument, not_found (a requirements file).
Result<RuntimeEnv> parse_runtime_env(const nlohmann::json& value);

Result<RuntimeEnv> load_runtime_env(const Path& file);

/// What can be known of the files that it names without fetching or reading them. Fails: not_found
/// (a local path), invalid_argument (a URI that can't be what its field wants).
Result<void> check_sources(const RuntimeEnv& runtime_env);

}  // namespace rtenv::runtime_env
