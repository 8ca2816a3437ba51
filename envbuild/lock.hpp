// A lock: the exact versions and hashes that a runtime_env's packages were resolved to, for one
// version of Python on one platform. A requirements file, as uv writes it, whose first lines say
// what it is of. Local files are named by
// ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}, or as seen from the current folder where there is no
// working_dir.
#pragma once

#include "envbuild/virtual_env.hpp"

namespace rtenv::envbuild {

/// Resolves by uv, whatever the installer will be. Fails: invalid_argument (phases),
/// installer_failed, and as find_uv.
Result<std::string> make_lock(const EnvPlan& plan, const std::optional<WorkingDir>& working_dir,
                              cache::Cache& cache, const PrepareOptions& options);

/// The packages as the lock has them: nothing else will be installed. `phases`: what they resolve
/// to without the lock. Fails: not_found; invalid_argument (not a lock; of other packages, another
/// Python or platform).
Result<runtime_env::Packages> locked_packages(const Path& lock,
                                              const runtime_env::Packages& packages,
                                              const runtime_env::ResolvedPhases& phases,
                                              const runtime_env::Interpreter& interpreter);

}  // namespace rtenv::envbuild
