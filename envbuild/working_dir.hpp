// A job's working directory on this machine: cached under a key of its content, read-only.
#pragma once

#include <optional>

#include "envbuild/leased_path.hpp"
#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

/// Accepts a local directory, a local archive, or a URI. Returns nullopt if the runtime_env has no
/// working_dir. Fails: not_found; as store_directory, pkg::unpack and fetch_tree.
Result<std::optional<LeasedPath>> prepare_working_dir(const runtime_env::RuntimeEnv& runtime_env,
                                                      cache::Cache& cache,
                                                      const PrepareOptions& options);

}  // namespace rtenv::envbuild
