// A job's Python environment: planned (what would be installed, and its key), then taken from the
// cache or built.
#pragma once

#include "envbuild/working_dir.hpp"
#include "runtime_env/env_key.hpp"

namespace rtenv::envbuild {

struct EnvPlan {
  runtime_env::Packages packages;
  runtime_env::ResolvedPhases phases;
  std::vector<cache::Lease> fetched;  // keeps the files that the requirements name
  runtime_env::Interpreter interpreter;
  Environment installer_environment;
  std::optional<std::chrono::seconds> timeout;
  bool inherit_site_packages = false;
  runtime_env::EnvKey key;
};

/// Everything that can be known without installing. Nothing where the runtime_env asks for no
/// packages. Fails: as runtime_env::resolve_requirements and find_interpreter.
Result<std::optional<EnvPlan>> plan_env(const runtime_env::RuntimeEnv& runtime_env,
                                        const std::optional<WorkingDir>& working_dir,
                                        cache::Cache& cache, const PrepareOptions& options);

struct VirtualEnv {
  enum class Origin : std::uint8_t { cache, remote_tier, pack, built };
  cache::Lease lease;
  Origin origin = Origin::cache;  // as seen by this call
  [[nodiscard]] const Path& path() const noexcept { return lease.path(); }
};

std::string_view name(VirtualEnv::Origin origin) noexcept;

/// From the cache, the remote tier, or built. Of several askers, also in other processes, one
/// builds; the others wait, are shown its progress, and get its failure. Who asks afterwards has it
/// tried again. The output of a build that failed is kept, see build_log. Fails: as the installers,
/// and as the cache.
Result<VirtualEnv> prepare_env(const EnvPlan& plan, cache::Cache& cache,
                               const PrepareOptions& options);

}  // namespace rtenv::envbuild
