// What a job needs, as a runtime_env of Ray's says, and its Python environment: its key, its lock
// file, and the virtual environment itself, which is built once and then taken from the cache.
// Thread-safe but for what says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rtenv/cache.hpp"
#include "rtenv/options.hpp"

namespace rtenv {

/// A validated runtime_env. Thread-safe but for `set_…`; copies share nothing. Which fields there
/// are is described in docs/runtime-env.md.
class RTENV_API RuntimeEnv {
 public:
  /// Without any field.
  RuntimeEnv();
  RuntimeEnv(const RuntimeEnv& other);
  RuntimeEnv& operator=(const RuntimeEnv& other);
  ~RuntimeEnv();

  /// Local paths that it names are relative to `base`, or if that is empty to what is now the
  /// current folder of the process; Options::base doesn't count. Requirements files are read now.
  /// Fails: invalid_argument (with the field, and what it must be), not_found (a requirements
  /// file).
  static Result<RuntimeEnv> parse(std::string_view json, const Path& base = {});
  /// The same, of a YAML or JSON file. The name of the file is relative to `base`, too; what it
  /// names isn't relative to the file's folder, as in Ray.
  static Result<RuntimeEnv> load(const Path& file, const Path& base = {});

  /// A local directory or archive, relative to the same folder, or a URI. Fails: invalid_argument.
  Result<void> set_working_dir(std::string_view working_dir);
  /// Fails: invalid_argument (not the name of a variable, a NUL byte).
  Result<void> set_env_var(std::string_view name, std::string_view value);

  /// Whether it names packages, and so has an environment.
  [[nodiscard]] bool has_packages() const noexcept;

 private:
  friend struct Internals;
  struct State;
  std::unique_ptr<State> state_;
};

/// When an environment that is in the cache is built anew nevertheless. Jobs that use the old one
/// keep it.
struct Renewal {
  enum class Of : std::uint8_t {
    none = 0,
    unpinned = 1,  // if its list names packages without exact versions
    aged = 2,      // the same, if it is older than `max_age`; never offline
    all = 3,
  };
  Of of = Of::none;
  std::chrono::seconds max_age{0};
};

struct EnvOptions : Options {
  /// The interpreter: a path, a program's name or a version such as "3.12". nullopt: RTENV_PYTHON,
  /// else python3 in PATH.
  std::optional<std::string> python = {};
  std::optional<Path> lock = {};  // install exactly what this lock file says
  bool offline = false;           // nothing uses the network
  Renewal renewal = {};
  /// The output of uv and pip while they run. It may contain URLs of the caller's indexes.
  OnText on_output = {};
};

struct BuiltEnv {
  enum class Origin : std::uint8_t { cache = 0, remote_cache = 1, archive = 2, built = 3 };
  Lease lease;           // its path is the virtual environment's, its key that of the entry
  std::string key = {};  // see EnvPlan::key
  Origin origin = Origin::cache;
};
/// As in the output of the tool: "from the cache", ….
RTENV_API std::string_view name(BuiltEnv::Origin origin) noexcept;

/// What would be installed, and for which interpreter. Keeps the files that it names in the cache
/// while it lives. Move-only (what was moved from has an empty key and fails); not thread-safe.
class RTENV_API EnvPlan {
 public:
  EnvPlan(EnvPlan&& other) noexcept;
  EnvPlan& operator=(EnvPlan&& other) noexcept;
  ~EnvPlan();

  /// 32 hex digits: equal where the same packages would be installed for the same kind of
  /// interpreter, with the same settings: variables of Options::environment count that uv, pip or
  /// builds of the packages read, such as UV_INDEX_URL, CC or WITH_CUDA. The name of the
  /// environment in the cache begins with it.
  [[nodiscard]] const std::string& key() const noexcept;
  /// What the key is a digest of: a JSON object. Without credentials.
  [[nodiscard]] const std::string& key_parts() const noexcept;
  /// "uv", "pip" or "conda".
  [[nodiscard]] std::string_view installer() const noexcept;
  /// Of the interpreter: "3.12.1".
  [[nodiscard]] const std::string& python_version() const noexcept;

  /// The text of a lock file: the exact versions and hashes that the packages resolve to now, by
  /// uv. Fails: installer_failed, unavailable, cancelled; invalid_argument (a list that can't be
  /// locked); not_found (uv).
  Result<std::string> lock();

  /// Takes the environment from the cache or the remote cache, or builds it. If several callers, in
  /// any process, want the same one, one builds it, the others wait and fail with its error. A
  /// crash leaves nothing. Fails: installer_failed (also without a network: the message has its
  /// last lines, and names the file with all of its output), corrupt, out_of_space, unavailable,
  /// cancelled, not_found (uv).
  Result<BuiltEnv> build();

 private:
  friend struct Internals;
  struct State;
  explicit EnvPlan(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Fetches the working_dir and the files that the lists name, and runs the interpreter once to know
/// it. `options` are those of `lock` and `build`, too. nullopt: the runtime_env names no packages.
/// Fails: invalid_argument, not_found, corrupt, unavailable, permission_denied, cancelled.
RTENV_API Result<std::optional<EnvPlan>> plan_env(const RuntimeEnv& runtime_env, Cache& cache,
                                                  const EnvOptions& options = {});

/// Puts the py_modules into the cache, so that a job finds them there. Fails: as plan_env;
/// installer_failed.
RTENV_API Result<void> fetch_py_modules(const RuntimeEnv& runtime_env, Cache& cache,
                                        const EnvOptions& options = {});

}  // namespace rtenv
