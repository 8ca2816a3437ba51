// A job's Python environment: first planned (what would be installed, and its key), then taken from
// the cache or built.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "envbuild/leased_path.hpp"
#include "envbuild/prepare_options.hpp"
#include "envbuild/working_dir.hpp"
#include "runtime_env/env_key.hpp"
#include "runtime_env/interpreter.hpp"

namespace rtenv::envbuild {

struct EnvPlan {
  runtime_env::PackageList packages;
  runtime_env::ResolvedPhases phases;
  runtime_env::LocalInputs inputs;    // that the phases and the environment name
  std::vector<cache::Lease> fetched;  // of the files that the requirements name
  runtime_env::Interpreter interpreter;
  Environment installer_environment;  // with marks of the inputs
  std::optional<Path> working_dir;
  Path base;  // see RuntimeEnv
  std::optional<std::chrono::seconds> timeout;
  bool inherit_site_packages = false;
  runtime_env::EnvKey key;
};

/// Determines everything that can be known without installing. Returns nullopt if the runtime_env
/// names no packages. Fails: as runtime_env::resolve_requirements, find_interpreter, fetch_file and
/// locked_packages.
Result<std::optional<EnvPlan>> plan_env(const runtime_env::RuntimeEnv& runtime_env,
                                        const std::optional<LeasedPath>& working_dir,
                                        cache::Cache& cache, const PrepareOptions& options);

struct VirtualEnv {
  enum class Origin : std::uint8_t { cache, remote_tier, archive, built };
  cache::Lease lease;
  Origin origin = Origin::cache;  // where this call got it from
  [[nodiscard]] const Path& path() const noexcept { return lease.path(); }
};

/// "cache", "remote tier", "archive" or "built": stable, used in --json.
std::string_view name(VirtualEnv::Origin origin) noexcept;

/// Takes the environment from the cache or the remote tier, or builds it. If several callers, in
/// any process, request the same environment, one builds it; the others wait, show its progress,
/// and fail with its error. A later call tries again. The output of a failed build is kept, see
/// build_log.hpp. Of several environments in the cache with the plan's key, the newest that has its
/// interpreter is used; see Renewal for when a new one is built.
/// Fails: installer_failed, corrupt, cancelled, as prepare_inputs, find_uv and the cache.
Result<VirtualEnv> prepare_env(const EnvPlan& plan, cache::Cache& cache,
                               const PrepareOptions& options);

}  // namespace rtenv::envbuild
