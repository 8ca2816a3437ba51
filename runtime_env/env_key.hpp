// The key of an environment: a digest of everything that changes what gets installed, and of
// nothing else. A changed wheel gives another key, a changed script beside it doesn't; nor do
// paths, times, or the order of names.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime_env/interpreter.hpp"
#include "runtime_env/requirements.hpp"

namespace rtenv::runtime_env {

struct EnvKey {
  std::string
      digits;  // 32 lower-case hex digits: the first half of SHA-256 over the canonical JSON
  nlohmann::json parts;  // what was digested; no credentials in it
};

/// `installer_environment`: what the installer will see; its index settings count.
/// `inherit_site_packages`: then it counts where the interpreter's packages are, not what they are.
EnvKey make_env_key(const Packages& packages, const ResolvedPhases& phases,
                    const Interpreter& interpreter, const Environment& installer_environment,
                    bool inherit_site_packages);

}  // namespace rtenv::runtime_env
