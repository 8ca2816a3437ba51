// What an installer sees of the variables and configuration files on a machine. It sees nothing
// that the environment's key doesn't cover, except credentials and what this machine says about how
// it runs: proxies, certificates, time-outs, the compiler's PATH. Whatever a job says counts, or it
// is ignored.
#pragma once

#include <string>
#include <vector>

#include "runtime_env/expand.hpp"
#include "runtime_env/package_list.hpp"
#include "runtime_env/requirements.hpp"

namespace rtenv::runtime_env {

/// Where uv or pip looks for configuration, besides the current folder and its parents. Some may
/// not exist.
std::vector<Path> configuration_files(const Environment& environment, InstallerKind installer);

/// The settings that aren't lists or folders of this machine, with the variables of the machine
/// that aren't settings: for what runs outside of a job's sandbox.
Environment with_machine_variables(const Environment& settings, const Environment& machine);

struct InstallerSettings {
  Environment environment;  // of the installer, with the marks of local inputs
  /// A canonical JSON object: the settings, and the installer's configuration files of the user and
  /// the system, by content; of a setting that is or has the absolute paths of files, their content
  /// counts. Without credentials.
  std::string key_part = "{}";
};

/// From the node's environment and, over it, the job's env_vars. `names`: further settings. Fails:
/// as resolve_list and reading the files that the settings name.
Result<InstallerSettings> installer_settings(const ResolveContext& context, InstallerKind installer,
                                             const std::vector<std::string>& names);

}  // namespace rtenv::runtime_env
