// How a job's parts are prepared on this machine: options shared by working_dir, py_modules and
// environments.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/cancellation.hpp"
#include "base/environment.hpp"
#include "base/sandbox.hpp"
#include "envbuild/renewal.hpp"
#include "remote/download.hpp"
#include "remote/object_store.hpp"
#include "runtime_env/requirements.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::envbuild {

struct FetchOptions;

struct PrepareOptions {
  Environment node;                   // this machine's variables
  std::optional<std::string> python;  // see runtime_env::find_interpreter
  unsigned threads = 1;
  const Cancellation* cancellation = nullptr;
  /// Gets the installers' output while they run: complete lines, without credentials, from one
  /// thread at a time. May be empty.
  std::function<void(std::string_view)> on_output;
  std::optional<Path> lock;  // install exactly the versions in this lock file
  bool offline = false;      // nothing uses the network
  /// Installers run in a sandbox, see InstallerSandbox; nullopt: no sandbox.
  std::optional<SandboxFolders> sandbox;
  Renewal renewal;  // of environments
  /// Credentials for URIs, in addition to the variables of the node and the job.
  remote::CredentialProvider credentials;
  remote::OnProgress on_progress;  // of downloads
};

/// The environment of an installer: its settings, and that it must not use the network if offline.
Environment installer_environment(Environment settings, const PrepareOptions& options);

/// Which local paths a job may name: those that it sees. Empty: any, there is no sandbox.
runtime_env::PathCheck visible_paths(const PrepareOptions& options);

/// How a job's URIs are fetched. The job's env_vars override the node's variables.
FetchOptions fetch_options(const runtime_env::RuntimeEnv& runtime_env,
                           const PrepareOptions& options);

}  // namespace rtenv::envbuild
