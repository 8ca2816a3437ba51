// direct_url.json, in which installers note the URL that a distribution was installed from, unless
// it came from an index (PEP 610).
#pragma once

#include "envbuild/installer.hpp"

namespace rtenv::envbuild {

/// Of each distribution in the target; corrects its row in RECORD: other users can read
/// environments, and archives of them are shared. Fails: as reading and writing.
Result<void> remove_secrets_from_direct_urls(const Path& target, InstallForm form);

/// Refuses a distribution that was installed from a local file or folder other than the copies of
/// the inputs: a project or wheel can require one, which isn't in the environment's key. Fails:
/// invalid_argument.
Result<void> check_local_sources(const Path& target, InstallForm form,
                                 const std::vector<Path>& copies);

}  // namespace rtenv::envbuild
