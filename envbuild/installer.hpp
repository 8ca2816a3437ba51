// Installers make a virtualenv, or a folder, and put packages into it. Each is a program run as a
// child: its output goes to the caller when it fails, and its whole process group ends with the
// deadline or the cancellation.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/process.hpp"
#include "cache/cache.hpp"
#include "runtime_env/interpreter.hpp"
#include "runtime_env/requirements.hpp"
#include "runtime_env/runtime_env.hpp"

namespace rtenv::envbuild {

enum class InstallForm : std::uint8_t {
  virtual_env,
  folder,  // the packages alone, for PYTHONPATH
};

struct InstallRequest {
  const runtime_env::Packages& packages;
  const runtime_env::ResolvedPhases& phases;
  const runtime_env::Interpreter& interpreter;
  Environment environment;  // of the installer: the node's, with the job's env_vars
  InstallForm form = InstallForm::virtual_env;
  bool inherit_site_packages = false;  // a virtual_env also sees the interpreter's own packages
  Path target;                         // to make; not there yet
  Path scratch;  // the installer's current folder, for its own files: nothing in it but what is put
                 // there
  int lock_fd = -1;  // inherited by everything that is started
  std::optional<std::chrono::seconds> timeout;
  const Cancellation* cancellation = nullptr;
  bool show_output = false;
  int log_fd = -1;  // gets all output as it comes, without credentials; -1: nothing does
};

/// By the packages' installer. Fails: installer_failed (with the last lines of the installer's
/// output), unavailable, cancelled.
Result<void> install(const InstallRequest& request, cache::Cache& cache);
Result<void> install_with_uv(const InstallRequest& request, cache::Cache& cache);
Result<void> install_with_pip(const InstallRequest& request);

/// The arguments that name each phase's list. For the installers, as are the next two.
Result<std::vector<std::vector<std::string>>> write_phases(
    const runtime_env::ResolvedPhases& phases, const Path& scratch);
std::string phase_name(std::string_view step, std::size_t phase, std::size_t count);
/// Where the interpreter is itself of a virtualenv, its packages aren't the base's that
/// "--system-site-packages" shows.
Result<void> show_site_packages(const InstallRequest& request);

/// What an installer's child processes see: without the variables that would lead it into another
/// environment.
Environment installer_environment(const runtime_env::Variables& variables);

/// Runs one step of an installer. For the installers.
class InstallerRun {
 public:
  explicit InstallerRun(const InstallRequest& request);
  /// `what` names the step in the message of a failure: "uv pip install".
  Result<void> step(std::string_view what, std::vector<std::string> argv);
  Environment& environment() noexcept { return environment_; }

 private:
  void show(std::string_view text);
  const InstallRequest& request_;
  std::string pending_;  // of the output: a line that isn't complete
  Environment environment_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace rtenv::envbuild
