// A job's directory on this machine: named by its content, kept in the cache, read-only.
#pragma once

#include <optional>
#include <string>

#include "envbuild/fetch.hpp"
#include "envbuild/runtime_env.hpp"

namespace rtenv::envbuild {

struct PrepareOptions {
  Environment node;                   // this machine's variables
  std::optional<std::string> python;  // see find_interpreter
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  bool show_output = false;                // of installers, as it comes
  remote::CredentialProvider credentials;  // for URIs; besides the node's and the job's variables
  remote::OnProgress on_progress;          // of what is fetched
};

struct WorkingDir {
  Path path;                          // the unpacked files
  std::optional<cache::Lease> lease;  // nothing for local://, a directory that is used in place
};

/// How a job's URIs are fetched: by the variables of the node and, before them, of its env_vars.
FetchOptions fetch_options(const RuntimeEnv& runtime_env, const PrepareOptions& options);

/// Accepts a local directory, a local archive, or a URI. Nothing where the runtime_env has no working_dir.
/// Fails: not_found, permission_denied, invalid_argument (an unknown scheme or extension), and as fetch_tree.
Result<std::optional<WorkingDir>> prepare_working_dir(const RuntimeEnv& runtime_env, cache::Cache& cache,
                                                      const PrepareOptions& options);

}  // namespace rtenv::envbuild
