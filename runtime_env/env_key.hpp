// The key of an environment: a digest of everything that determines what gets installed, and only
// of that. A changed wheel changes the key; a changed script beside it, paths, times and the order
// of package names don't.
#pragma once

#include <string>

#include "runtime_env/installer_settings.hpp"
#include "runtime_env/requirements.hpp"

namespace rtenv::runtime_env {

struct Interpreter;

struct EnvKey {
  /// 32 lower-case hex digits: the first half of the SHA-256 of `parts`.
  std::string digits;
  /// The digested values, a canonical JSON object. Without credentials.
  std::string parts;
};

/// The digits that belong to `parts`, of a key that was made before. Requires: canonical.
std::string env_key_digits(std::string_view parts);

/// `inherit_site_packages`: the location of the interpreter's packages counts too, but not their
/// versions. Requires: `phases` isn't empty.
EnvKey make_env_key(const PackageList& packages, const ResolvedPhases& phases,
                    const Interpreter& interpreter, const InstallerSettings& settings,
                    bool inherit_site_packages);

}  // namespace rtenv::runtime_env
