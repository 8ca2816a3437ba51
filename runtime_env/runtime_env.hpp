// A runtime_env: what a job needs, as users of Ray write it. Parsed and validated once, where it
// enters the program. The rules and their order are Ray's (2.60, runtime_env/validation.py); error
// messages name the field, the expected type and the type that was given.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "runtime_env/package_list.hpp"

namespace rtenv::runtime_env {

/// Which copy of its environment a job sees.
enum class Isolation : std::uint8_t {
  shared,  // the cache's, read-only, together with other jobs
  clone,   // a writable copy of its own
};

/// What a job with a working_dir in the cache gets as its directory: `config.working_dir`.
enum class WorkingDirUse : std::uint8_t {
  own,     // a directory of its own, which it can write to
  shared,  // the cache's, read-only, together with other jobs
};

/// `config.max_processes`, `config.max_open_files` and `config.run_timeout_seconds`, extensions to
/// Ray: limits of a submitted job. At least 1; nullopt if not given.
struct ProcessLimits {
  std::optional<std::uint64_t> max_processes;   // of the whole job
  std::optional<std::uint64_t> max_open_files;  // of each of its processes
  std::optional<std::uint64_t> run_timeout_s;   // from the start of its entrypoint
};

struct RuntimeEnv {
  /// Relative paths in lists of packages are relative to it if there is no working_dir. Empty: to
  /// the current folder.
  Path base;
  std::optional<std::string> working_dir;  // a local directory or archive, or a URI
  std::vector<std::string> py_modules;     // local directories, .py files, wheels, or URIs
  std::vector<std::string> excludes;       // patterns in .gitignore syntax
  std::optional<PackageList> packages;
  std::map<std::string, std::string> env_vars;  // as written, not expanded
  std::optional<std::string> py_executable;     // the command that `python` starts
  /// `config.setup_timeout_seconds`; nullopt: no limit.
  std::optional<std::chrono::seconds> setup_timeout{std::chrono::seconds(600)};
  // Of `config` too, but extensions to Ray.
  ProcessLimits limits;
  Isolation isolation = Isolation::shared;
  WorkingDirUse working_dir_use = WorkingDirUse::own;
  std::vector<std::string> build_env_vars;  // names: the installer sees them, and they count
  bool inherit_site_packages = false;  // the environment also sees the interpreter's own packages
};

/// Reads the requirements files that `uv` and `pip` name. All relative paths are relative to
/// `base`; empty: to the current folder, as in Ray. Fails: invalid_argument; as read_file for a
/// requirements file.
Result<RuntimeEnv> parse_runtime_env(const nlohmann::json& value, const Path& base = {});

/// The same, from a YAML or JSON file. Fails: also as load_structured_file.
Result<RuntimeEnv> load_runtime_env(const Path& file, const Cancellation* cancellation = nullptr,
                                    const Path& base = {});

/// A working_dir or a module, as written: a relative local path is one below `base`.
std::string located(std::string location, const Path& base);

/// Whether a job with this unparsed runtime_env has to be set up before its entrypoint can start:
/// false for null, an empty object and anything that isn't an object.
bool needs_setup(const nlohmann::json& runtime_env) noexcept;

/// Checks working_dir and py_modules without fetching or reading them: local paths exist, and URIs
/// are of a kind that their field accepts. Fails: not_found (a local path), invalid_argument (a
/// URI).
Result<void> check_locations(const RuntimeEnv& runtime_env);

}  // namespace rtenv::runtime_env
