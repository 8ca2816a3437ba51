// A lock file: the exact versions and hashes that a runtime_env's packages resolve to, for one
// version of Python on one platform. It is a requirements file as uv writes it, with a first line
// that says what it is valid for. Local files are named relative to
// ${RAY_RUNTIME_ENV_CREATE_WORKING_DIR}, or to the current folder if there is no working_dir.
#pragma once

#include "envbuild/virtual_env.hpp"

namespace rtenv::envbuild {

/// Returns the text of the lock file. uv resolves the packages, even if pip will install them.
/// Fails: invalid_argument (phases), installer_failed, as find_uv.
Result<std::string> make_lock(const EnvPlan& plan, const std::optional<LeasedPath>& working_dir,
                              cache::Cache& cache, const PrepareOptions& options);

/// The packages as locked; nothing else will be installed. `phases`: what the packages resolve to
/// without the lock. Fails: invalid_argument (not a lock file; for other packages, another Python
/// or platform), as read_file.
Result<runtime_env::PackageList> locked_packages(const Path& lock,
                                                 const runtime_env::PackageList& packages,
                                                 const runtime_env::ResolvedPhases& phases,
                                                 const runtime_env::Interpreter& interpreter);

}  // namespace rtenv::envbuild
