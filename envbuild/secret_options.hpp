// Keeps credentials out of installers' command lines, which every user of the machine can read.
#pragma once

#include <string>
#include <vector>

#include "base/environment.hpp"
#include "base/result.hpp"
#include "runtime_env/package_list.hpp"

namespace rtenv::envbuild {

/// The options without those that have a URL with credentials: these are set as the variables of
/// the same meaning. `-i URL`, `--index-url URL` and `--index-url=URL` are options. Fails:
/// invalid_argument (the installer has no variable for such an option).
Result<std::vector<std::string>> pass_secrets_by_variable(const std::vector<std::string>& options,
                                                          runtime_env::InstallerKind installer,
                                                          Environment& environment);

}  // namespace rtenv::envbuild
