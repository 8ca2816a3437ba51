// A job's directory on this machine: named by its content, kept in the cache, read-only.
#pragma once

#include <optional>

#include "envbuild/prepare_options.hpp"

namespace rtenv::envbuild {

struct WorkingDir {
  Path path;                          // the unpacked files
  std::optional<cache::Lease> lease;  // nothing for local://, a directory that is used in place
};

/// Accepts a local directory, a local archive, or a URI. Nothing where the runtime_env has no
/// working_dir. Fails: not_found, permission_denied, invalid_argument (an unknown scheme or
/// extension), and as fetch_tree.
Result<std::optional<WorkingDir>> prepare_working_dir(const runtime_env::RuntimeEnv& runtime_env,
                                                      cache::Cache& cache,
                                                      const PrepareOptions& options);

}  // namespace rtenv::envbuild
