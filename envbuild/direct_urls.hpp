// Removes secrets from direct_url.json, in which installers note the URL of a distribution, with
// its query (PEP 610): other users can read environments, and archives of them are shared.
#pragma once

#include "envbuild/installer.hpp"

namespace rtenv::envbuild {

/// Of each distribution in the target; corrects its row in RECORD. Fails: as reading and writing.
Result<void> remove_secrets_from_direct_urls(const Path& target, InstallForm form);

}  // namespace rtenv::envbuild
