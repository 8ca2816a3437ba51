// Installers create a virtualenv or a folder and install packages into it. Each is a program run as
// a child process: the end of its output becomes the error message if it fails, and its whole
// process group is killed on timeout or cancellation.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancellation.hpp"
#include "base/sandbox.hpp"
#include "envbuild/installer_inputs.hpp"

namespace rtenv::cache {
class Cache;
}
namespace rtenv::runtime_env {
struct Interpreter;
}

namespace rtenv::envbuild {

enum class InstallForm : std::uint8_t {
  virtual_env,
  folder,  // only the packages, for PYTHONPATH
};

/// How an installer uses what it has cached. pip never caches the answers of an index.
enum class InstallerCache : std::uint8_t {
  use,
  revalidate,  // asks the index again
  bypass,
};

struct InstallRequest {
  const runtime_env::PackageList& packages;
  const InstallerInputs& inputs;
  const runtime_env::Interpreter& interpreter;
  const Environment& machine;  // this machine's variables
  InstallForm form = InstallForm::virtual_env;
  InstallerCache cache_use = InstallerCache::use;
  bool inherit_site_packages = false;  // a virtual_env also sees the interpreter's own packages
  Path target;                         // will be created
  /// Writes the target's description after each installation: it counts in the digest. May be
  /// empty.
  std::function<Result<void>()> describe;
  Path scratch;                           // the installer's current folder, with its inputs
  std::optional<Path> working_dir;        // of the job: a sandboxed installer sees it
  std::optional<SandboxFolders> sandbox;  // see PrepareOptions
  int lock_fd = -1;                       // inherited by all child processes
  std::optional<std::chrono::seconds> timeout;
  const Cancellation* cancellation = nullptr;
  std::function<void(std::string_view)> on_output;  // see PrepareOptions
  int log_fd = -1;  // receives all output while it runs, without credentials; -1: none
};

/// Runs the installer of the package list, compares what it installed with the RECORD of each
/// distribution, and protects a virtual_env, see protect_env. A distribution with a damaged file is
/// removed from uv's cache, and everything is installed once more. Returns the digest of the
/// target, see cache::tree_digest; folders named __pycache__ don't count. Fails: installer_failed
/// (also by timeout; with the last lines of output), corrupt (a file is damaged again),
/// invalid_argument (see check_local_sources), cancelled, as find_uv.
Result<std::string> install(const InstallRequest& request, cache::Cache& cache);

}  // namespace rtenv::envbuild
