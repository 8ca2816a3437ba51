// How a job's parts are made ready on this machine: shared by working_dir, py_modules and
// environments.
#pragma once

#include <optional>
#include <string>

#include "envbuild/fetch.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::envbuild {

struct PrepareOptions {
  Environment node;                   // this machine's variables
  std::optional<std::string> python;  // see runtime_env::find_interpreter
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  bool show_output = false;  // of installers, as it comes
  std::optional<Path> lock;  // install what it says, and nothing else
  bool offline = false;      // installers have no network
  bool rebuild = false;      // build it although it is there, without what installers keep
  remote::CredentialProvider credentials;  // for URIs; besides the node's and the job's variables
  remote::OnProgress on_progress;          // of what is fetched
};

/// How a job's URIs are fetched: by the variables of the node and, before them, of its env_vars.
FetchOptions fetch_options(const runtime_env::RuntimeEnv& runtime_env,
                           const PrepareOptions& options);

}  // namespace rtenv::envbuild
