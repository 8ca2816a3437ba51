// A job's directory on this machine: named by its content, kept in the cache, read-only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "cache/cache.hpp"
#include "envbuild/runtime_env.hpp"

namespace rtenv::envbuild {

struct PrepareOptions {
  Environment node;                   // this machine's variables
  std::optional<std::string> python;  // see find_interpreter
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  bool show_output = false;  // of installers, as it comes
};

struct WorkingDir {
  Path path;                          // the unpacked files
  std::optional<cache::Lease> lease;  // nothing for local://, a directory that is used in place
  std::string uri;                    // gcs://_ray_pkg_….zip, or the local:// URI
};

/// Accepts a local directory, a local archive, file:///path/archive, local:///path. Nothing where the runtime_env has
/// no working_dir.
/// Fails: not_found, permission_denied, invalid_argument (another scheme or extension), and as unpack.
Result<std::optional<WorkingDir>> prepare_working_dir(const RuntimeEnv& runtime_env, cache::Cache& cache,
                                                      const PrepareOptions& options);

}  // namespace rtenv::envbuild
