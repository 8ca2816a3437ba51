// Helpers for the implementations of the installers.
#pragma once

#include "cache/tree_digest.hpp"
#include "envbuild/installer.hpp"
#include "envbuild/installer_sandbox.hpp"

namespace rtenv::envbuild {

using TreeItems = std::vector<cache::TreeItem>;

/// Return what the virtualenv contained before packages were installed; nothing for a folder.
Result<TreeItems> install_with_uv(const InstallRequest& request, cache::Cache& cache);
Result<TreeItems> install_with_pip(const InstallRequest& request, cache::Cache& cache);

/// With the digests, without compiled code. Fails: as reading it.
Result<TreeItems> content_of(const Path& virtualenv);

/// Removes distributions from uv's cache. Fails: as install_with_uv.
Result<void> remove_from_uv_cache(const std::vector<std::string>& distributions,
                                  const InstallRequest& request, cache::Cache& cache);

/// "uv pip install (phase 1 of 2)", or only `step` if there is one phase. `phase` counts from 0.
std::string phase_name(std::string_view step, std::size_t phase, std::size_t count);

/// The file in the target's site-packages that add_virtualenv_site_packages writes.
inline constexpr std::string_view k_inherited_packages = "_rtenv_inherited.pth";

/// Adds the packages of an interpreter that is itself in a virtualenv to the target's path:
/// "--system-site-packages" adds only those of the base interpreter.
Result<void> add_virtualenv_site_packages(const InstallRequest& request);

/// Runs the steps of one installation under a common deadline.
class InstallerRun {
 public:
  InstallerRun(const InstallRequest& request, cache::Cache& cache);
  /// `name` is the step's name in error messages: "uv pip install". Fails: installer_failed,
  /// out_of_space, cancelled, as run_captured.
  Result<void> step(std::string_view name, std::vector<std::string> argv);
  /// Runs a short command and returns its output, which isn't shown. Fails: installer_failed,
  /// cancelled, as run_captured.
  Result<std::string> capture(std::vector<std::string> argv);
  Environment& environment() noexcept { return environment_; }
  [[nodiscard]] const Environment& environment() const noexcept { return environment_; }
  /// Null: none.
  InstallerSandbox* sandbox() noexcept { return sandbox_ ? &*sandbox_ : nullptr; }
  [[nodiscard]] const auto& deadline() const noexcept { return deadline_; }

 private:
  Result<Captured> run(std::vector<std::string> argv,
                       std::function<void(std::string_view)> on_output);
  void show(std::string_view text);
  const InstallRequest& request_;
  std::string pending_;  // the last, incomplete line of output
  Environment environment_;
  std::optional<InstallerSandbox> sandbox_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

}  // namespace rtenv::envbuild
